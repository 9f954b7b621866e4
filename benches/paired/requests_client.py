"""The three calls of an execution as the API's page documents them: URL PLAN COUNT. Prints wall and CPU seconds."""

import os
import sys
import time

import requests

url, plan, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
api = f"{url}/execution/v1"
session = requests.Session()
session.trust_env = False  # it would look for proxies and .netrc at each request
session.headers["Authorization"] = f"Token {os.environ['TESTCENTER_TOKEN'].strip()}"


def post(path, body):
    response = session.post(f"{api}/{path}", json=body)
    response.raise_for_status()
    return response.json()


began, used = time.perf_counter(), time.process_time()
for _ in range(count):
    reserved = post(f"reserve/{plan}", {"capabilities": [], "timeout": 60000})
    execution, lease = reserved["execution_id"], reserved["lease"]
    post(f"heartbeat/{execution}", {"timeout": 60000, "lease": lease})
    post(f"finished/{execution}", {"lease": lease})
print(time.perf_counter() - began, time.process_time() - used)
