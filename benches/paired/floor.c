/* The floor of starting processes: N times a process group of its own with its output in a new file, one at a time.
   floor COUNT FOLDER PROGRAM */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int count = atoi(argv[1]);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0)
        return 1;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d.log", argv[2], i);
        int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (log < 0)
            return 1;
        char *const child[] = { argv[3], NULL };
        pid_t pid = vfork();
        if (pid < 0)
            return 1;
        if (pid == 0) {
            setpgid(0, 0);
            dup2(null, 0);
            dup2(log, 1);
            dup2(log, 2);
            execve(argv[3], child, environ);
            _exit(127);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || status != 0)
            return 1;
        close(log);
    }
    return 0;
}
