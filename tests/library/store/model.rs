//! The protocol once more, small and slow: maps in memory, written from its specification and sharing nothing with the
//! store but the words. Where a lease stands is computed from its deadline each time; nothing is ever "noticed" but
//! the lines of history.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use testplan::{
    model::{
        Capabilities, CoolingReason, LabelCase, Outcome, ServerTrouble, TestResult, TestVerdict,
        Timestamp,
    },
    store::{RefusalCode, Rules},
};

const FOLD: LabelCase = LabelCase::Folded;

/// What the store should have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Fine,
    Refused(RefusalCode),
    Plan(usize),
    Granted(Vec<Grant>),
    NoExecution(u64),
    NoServer(u64),
    Server(usize),
}

/// Execution, epoch, Squish server, deadline.
pub(crate) type Grant = (usize, u32, Option<usize>, Timestamp);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Leased,
    Done(Outcome),
}

/// What a result carries.
pub(crate) type Payload = (&'static str, &'static str, Option<TestResult>);

#[derive(Clone, Debug)]
pub(crate) struct Exec {
    pub(crate) plan: usize,
    pub(crate) needs: Capabilities,
    /// Its test, by its place in the template.
    test: usize,
    /// How many imports there were when it was last reserved.
    imports: usize,
    pub(crate) state: State,
    pub(crate) epoch: u32,
    pub(crate) generation: u32,
    reset_at_epoch: u32,
    /// Whether the last lease is still good for anything: not after a reset or when given up.
    lease_known: bool,
    principal: Option<&'static str>,
    worker: Option<&'static str>,
    deadline: Timestamp,
    /// What restarts added since it was granted or renewed.
    compensated: Duration,
    timeout: Duration,
    server: Option<usize>,
    /// The Squish server that last gave it trouble.
    avoids: Option<usize>,
    lost_on: Vec<String>,
    expiries: u32,
    skips: u32,
    alone: bool,
    /// Who could not start it, and why.
    unstarted: Vec<(String, &'static str)>,
    payload: Option<Payload>,
    told_expired: bool,
    late: u32,
    pub(crate) events: Vec<(u32, &'static str)>,
}

/// Who uses a Squish server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nobody,
    Lease(usize, u32),
    RestsUntil(Timestamp),
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) labels: Capabilities,
    pub(crate) enabled: bool,
    pub(crate) deleted: bool,
    used: Use,
    /// Troubles in a row, the last of them, and the end of the rest after it.
    troubles: u32,
    rest: Option<(ServerTrouble, Timestamp)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) due: Option<Timestamp>,
    template: usize,
}

/// Who speaks: a lease by execution and epoch, or a client of the vendor's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    Lease(usize, u32),
    Vendor,
    Forger,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) plan: usize,
    pub(crate) offered: Capabilities,
    pub(crate) timeout: Duration,
    pub(crate) allocate: bool,
    pub(crate) worker: Option<&'static str>,
    pub(crate) batch: Option<Batch>,
}

/// Several executions. Every test takes a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) max: usize,
    pub(crate) work: Option<usize>,
    /// Whether the worker has the only suite warm, if it says.
    pub(crate) near: Option<bool>,
}

/// How many workers every request says that there are.
pub(crate) const WORKERS: usize = 2;

/// An upload: its labels, and what it says of tests by their place.
#[derive(Clone, Debug)]
struct Import {
    labels: Capabilities,
    tests: Vec<(usize, TestResult)>,
}

type Who = (&'static str, &'static str);
/// Template, list of tests, planned time.
type Request = (usize, Option<usize>, Option<Timestamp>);

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: Timestamp,
    pub(crate) rules: Rules,
    pub(crate) plans: Vec<Plan>,
    pub(crate) execs: Vec<Exec>,
    pub(crate) servers: Vec<Server>,
    imports: Vec<Import>,
    /// Tests and needs whose durations are known.
    known: Vec<(usize, Capabilities)>,
    /// By template: how many calls, and their average cost.
    start_costs: BTreeMap<usize, (i64, i64)>,
    /// Lists of tests that came with a request.
    lists: BTreeSet<usize>,
    execute_keys: BTreeMap<Who, (Request, usize, Timestamp)>,
    reserve_keys: BTreeMap<Who, (Wish, Vec<(usize, u32)>)>,
}

impl Exec {
    pub(crate) fn leased(&self, now: Timestamp) -> bool {
        self.state == State::Leased && now < self.deadline
    }

    fn lapsed(&self, now: Timestamp) -> bool {
        self.state == State::Leased && now >= self.deadline
    }

    pub(crate) fn open(&self, now: Timestamp) -> bool {
        self.state == State::Open || self.lapsed(now)
    }

    pub(crate) fn verdict(&self) -> Option<TestVerdict> {
        match &self.state {
            State::Done(Outcome::Completed { result }) => result.map(|r| r.verdict),
            _ => None,
        }
    }

    fn failed(&self) -> bool {
        self.verdict() == Some(TestVerdict::Failed)
            || matches!(self.state, State::Done(Outcome::ExecutionError { .. }))
    }

    fn event(&mut self, kind: &'static str) {
        self.events.push((self.epoch, kind));
    }

    /// A lease cut to a millisecond was given back by a client that knows no better way.
    fn was_lost(&self) -> bool {
        self.timeout > Duration::from_millis(1)
    }
}

/// What a release says beside that it is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReleaseMark {
    pub(crate) trouble: Option<ServerTrouble>,
    pub(crate) alone: bool,
    /// Why it did not start, and who is there.
    pub(crate) not_started: Option<(&'static str, &'static [&'static str])>,
}

impl Model {
    pub(crate) fn new(rules: Rules, now: Timestamp) -> Self {
        Self {
            now,
            rules,
            ..Self::default()
        }
    }

    /// The store writes history before it does anything; so here.
    pub(crate) fn tell_expired(&mut self) {
        for exec in &mut self.execs {
            if exec.lapsed(self.now) && !exec.told_expired {
                exec.told_expired = true;
                exec.event("expired");
            }
        }
    }

    pub(crate) fn execute(
        &mut self,
        request: Request,
        needs: &[Capabilities],
        (is_published, is_sent): (bool, bool),
        key: Option<Who>,
    ) -> Answer {
        const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        self.tell_expired();
        if let Some((known, plan, at)) = key.and_then(|key| self.execute_keys.get(&key))
            && self.now <= at.plus(WEEK)
        {
            return if *known == request {
                Answer::Plan(*plan)
            } else {
                Answer::Refused(RefusalCode::KeyReused)
            };
        }
        if let Some(list) = request.1.filter(|_| !is_published)
            && !self.lists.contains(&list)
        {
            if !is_sent {
                return Answer::Refused(RefusalCode::UnknownTests);
            }
            self.lists.insert(list);
        }
        let plan = self.plans.len();
        self.plans.push(Plan {
            due: request.2,
            template: request.0,
        });
        self.execs
            .extend(needs.iter().enumerate().map(|(test, needs)| Exec {
                plan,
                test,
                imports: 0,
                needs: needs.clone(),
                state: State::Open,
                epoch: 0,
                generation: 0,
                reset_at_epoch: 0,
                lease_known: false,
                principal: None,
                worker: None,
                deadline: Timestamp(0),
                compensated: Duration::ZERO,
                timeout: Duration::ZERO,
                server: None,
                avoids: None,
                lost_on: vec![],
                expiries: 0,
                skips: 0,
                alone: false,
                unstarted: vec![],
                payload: None,
                told_expired: false,
                late: 0,
                events: vec![],
            }));
        if let Some(key) = key {
            self.execute_keys.insert(key, (request, plan, self.now));
        }
        Answer::Plan(plan)
    }

    fn fitting(&self, wish: &Wish) -> Vec<usize> {
        (0..self.execs.len())
            .filter(|e| self.execs[*e].plan == wish.plan)
            .filter(|e| wish.offered.covers(&self.execs[*e].needs, FOLD))
            .collect()
    }

    pub(crate) fn server_free(&self, server: usize) -> bool {
        if self.servers[server]
            .rest
            .is_some_and(|(_, end)| end > self.now)
        {
            return false;
        }
        match self.servers[server].used {
            Use::Nobody => true,
            Use::RestsUntil(end) => end <= self.now,
            Use::Lease(e, _) => {
                let end = self.execs[e].deadline;
                self.execs[e].lapsed(self.now) && end.plus(self.rules.cool_down) <= self.now
            }
        }
    }

    /// Why a Squish server is not given out though nobody uses it, and until when.
    pub(crate) fn cooling(&self, server: usize) -> Option<(CoolingReason, Timestamp)> {
        let expired = match self.servers[server].used {
            Use::RestsUntil(end) => Some(end),
            Use::Lease(e, _) if self.execs[e].lapsed(self.now) => {
                Some(self.execs[e].deadline.plus(self.rules.cool_down))
            }
            Use::Nobody | Use::Lease(..) => None,
        };
        let expired = expired.map(|end| (CoolingReason::Expired, end));
        let troubled = self.servers[server].rest;
        let troubled = troubled.map(|(trouble, end)| (CoolingReason::from(trouble), end));
        let both = [expired, troubled].into_iter().flatten();
        both.filter(|(_, end)| *end > self.now)
            .max_by_key(|(_, end)| *end)
    }

    /// The execution that uses a Squish server now.
    pub(crate) fn busy_with(&self, server: usize) -> Option<usize> {
        match self.servers[server].used {
            Use::Lease(e, _) => self.execs[e].leased(self.now).then_some(e),
            Use::Nobody | Use::RestsUntil(_) => None,
        }
    }

    pub(crate) fn reserve(
        &mut self,
        wish: &Wish,
        principal: &'static str,
        key: Option<Who>,
    ) -> Answer {
        self.tell_expired();
        if let Some((known, leases)) = key.and_then(|key| self.reserve_keys.get(&key)) {
            let valid = leases.iter().filter(|(e, epoch)| {
                self.execs[*e].epoch == *epoch && self.execs[*e].leased(self.now)
            });
            let again: Vec<Grant> = valid
                .map(|(e, epoch)| (*e, *epoch, self.execs[*e].server, self.execs[*e].deadline))
                .collect();
            if !again.is_empty() {
                return if known == wish {
                    Answer::Granted(again)
                } else {
                    Answer::Refused(RefusalCode::KeyReused)
                };
            }
        }
        let fitting = self.fitting(wish);
        let count = |model: &Self, what: fn(&Exec, Timestamp) -> bool| {
            fitting
                .iter()
                .filter(|e| what(&model.execs[**e], model.now))
                .count() as u64
        };
        if self.plans[wish.plan].due.is_some_and(|due| self.now < due) {
            return Answer::NoExecution(count(self, |e, now| e.open(now) || e.leased(now)));
        }
        let Some((chosen, skipped)) = self.choose(&fitting, wish.worker) else {
            return Answer::NoExecution(count(self, Exec::leased));
        };
        let mut server = None;
        if wish.allocate {
            server = (0..self.servers.len())
                .filter(|s| self.servers[*s].enabled && !self.servers[*s].deleted)
                .filter(|s| self.server_free(*s))
                .filter(|s| self.servers[*s].labels.covers(&wish.offered, FOLD))
                .min_by_key(|s| {
                    let avoided = self.execs[chosen].avoids == Some(*s);
                    (avoided, self.servers[*s].labels.len(), *s)
                });
            if server.is_none() {
                return Answer::NoServer(count(self, |e, now| e.open(now) || e.leased(now)));
            }
        }
        let batch = self.batch(&fitting, wish, chosen);
        for e in skipped {
            self.execs[e].skips += 1;
        }
        let mut granted = vec![];
        for e in batch {
            granted.push(self.grant(e, wish, principal, server));
        }
        if let Some(key) = key {
            let leases = granted.iter().map(|(e, epoch, ..)| (*e, *epoch)).collect();
            self.reserve_keys.insert(key, (wish.clone(), leases));
        }
        Answer::Granted(granted)
    }

    /// What a reservation hands out, given what a single one would.
    fn batch(&self, fitting: &[usize], wish: &Wish, first: usize) -> Vec<usize> {
        let Some(batch) = wish.batch.filter(|_| !wish.allocate) else {
            return vec![first];
        };
        let size = self.size(fitting, wish.plan, batch);
        let last_resort = self.deferred(first, wish.worker);
        let mut line = self.line(fitting);
        line.retain(|e| last_resort || !self.deferred(*e, wish.worker));
        line.retain(|e| !self.is_poison(*e));
        let from_the_end = match batch.near.filter(|_| !last_resort) {
            None => {
                line.retain(|e| *e != first);
                line.insert(0, first);
                false
            }
            Some(is_warm) => {
                let labels = self.execs[first].needs.len();
                line.retain(|e| self.execs[*e].needs.len() == labels);
                let elsewhere = self.execs.iter().any(|exec| {
                    let other = wish.worker.is_none() || exec.worker != wish.worker;
                    exec.plan == wish.plan && exec.leased(self.now) && other
                });
                !is_warm && elsewhere
            }
        };
        if from_the_end {
            line.reverse();
        }
        let mut taken: Vec<usize> = vec![];
        for e in line {
            if taken.is_empty() && self.goes_alone(e) {
                return vec![e];
            }
            if taken.len() < size && !self.goes_alone(e) {
                taken.push(e);
            }
        }
        if from_the_end {
            taken.reverse();
        }
        taken
    }

    fn size(&self, fitting: &[usize], plan: usize, batch: Batch) -> usize {
        let open = self.line(fitting).len();
        let of_plan = self.execs.iter().filter(|exec| exec.plan == plan);
        let mut known = of_plan.map(|exec| self.is_known(exec));
        let work = if known.any(|known| known) {
            let start = self.start_costs.get(&self.plans[plan].template);
            let start = start.map_or(0, |(_, mean)| usize::try_from(*mean).unwrap());
            let share = open * 10 / (13 * WORKERS);
            let work = batch.work.unwrap_or(share.max(2 * start));
            // A rest that is not worth a start comes along.
            if open.saturating_sub(work) <= start {
                work.max(open)
            } else {
                work
            }
        } else {
            let first = (open / (4 * WORKERS)).clamp(1, 16);
            batch.work.unwrap_or(first).min(first)
        };
        batch.max.min(work).max(1)
    }

    fn is_known(&self, exec: &Exec) -> bool {
        let known = self.known.iter();
        let mut known = known.filter(|(test, _)| *test == exec.test);
        known.any(|(_, needs)| *needs == exec.needs)
    }

    fn learn(&mut self, e: usize) {
        let exec = &self.execs[e];
        if exec.verdict().is_some_and(|it| it != TestVerdict::Skipped) {
            self.known.push((exec.test, exec.needs.clone()));
        }
    }

    /// Results of one call of the tool taught what the call cost beyond them.
    pub(crate) fn started(&mut self, plan: usize, cost: i64) {
        let template = self.plans[plan].template;
        match self.start_costs.get_mut(&template) {
            None => drop(self.start_costs.insert(template, (1, cost))),
            Some((calls, mean)) => {
                *calls = (*calls + 1).min(5);
                *mean += (cost - *mean) / *calls;
            }
        }
    }

    /// Whether it is handed out by itself.
    fn goes_alone(&self, e: usize) -> bool {
        let exec = &self.execs[e];
        let lost = exec.lapsed(self.now) && exec.was_lost();
        let most_together = if self.rules.max_expiries == 1 { 1 } else { 2 };
        exec.alone || exec.expiries + u32::from(lost) >= most_together
    }

    fn grant(
        &mut self,
        chosen: usize,
        wish: &Wish,
        principal: &'static str,
        server: Option<usize>,
    ) -> Grant {
        self.lose(chosen);
        let (now, exec) = (self.now, &mut self.execs[chosen]);
        exec.imports = self.imports.len();
        exec.state = State::Leased;
        exec.epoch += 1;
        exec.lease_known = true;
        exec.principal = Some(principal);
        exec.worker = wish.worker;
        exec.timeout = wish
            .timeout
            .clamp(Duration::from_secs(1), Duration::from_secs(86_400));
        exec.deadline = now.plus(exec.timeout);
        exec.compensated = Duration::ZERO;
        exec.server = server;
        exec.skips = 0;
        exec.payload = None;
        exec.told_expired = false;
        exec.event("reserved");
        let (epoch, deadline) = (exec.epoch, exec.deadline);
        if let Some(server) = server {
            self.servers[server].used = Use::Lease(chosen, epoch);
        }
        (chosen, epoch, server, deadline)
    }

    /// An execution goes to somebody else or is given up: if a lease on it was over, that one is lost now.
    fn lose(&mut self, e: usize) {
        let exec = &mut self.execs[e];
        if exec.state != State::Leased {
            return;
        }
        if exec.was_lost() {
            exec.expiries += 1;
            let name = exec.worker.or(exec.principal);
            exec.lost_on.extend(name.map(str::to_owned));
        }
        if let Some(server) = exec.server
            && self.servers[server].used == Use::Lease(e, exec.epoch)
        {
            self.servers[server].used = Use::RestsUntil(exec.deadline.plus(self.rules.cool_down));
        }
    }

    /// The open ones in order.
    fn line(&self, fitting: &[usize]) -> Vec<usize> {
        let mut line: Vec<usize> = fitting
            .iter()
            .copied()
            .filter(|e| self.execs[*e].open(self.now))
            .collect();
        line.sort_by_key(|e| (usize::MAX - self.execs[*e].needs.len(), *e));
        line
    }

    /// Whether the worker lost it last and gets others first.
    fn deferred(&self, e: usize, worker: Option<&str>) -> bool {
        let exec = &self.execs[e];
        let prefers_another = if exec.lapsed(self.now) {
            exec.was_lost()
        } else {
            exec.alone
        };
        let failed = |worker| exec.unstarted.iter().any(|(who, _)| who == worker);
        let is_its_own = prefers_another && exec.worker == worker;
        worker.is_some_and(|worker| is_its_own || failed(worker)) && exec.skips < 3
    }

    fn is_poison(&self, e: usize) -> bool {
        let exec = &self.execs[e];
        let ended = exec.expiries + u32::from(exec.was_lost());
        let most = self.rules.max_expiries;
        exec.state != State::Open && most != 0 && ended > most
    }

    fn choose(&mut self, fitting: &[usize], worker: Option<&str>) -> Option<(usize, Vec<usize>)> {
        loop {
            let line = self.line(fitting);
            let next = line.iter().position(|e| !self.deferred(*e, worker));
            let place = next.unwrap_or(0);
            let chosen = *line.get(place)?;
            if !self.is_poison(chosen) {
                return Some((chosen, line[..place].to_vec()));
            }
            self.lose(chosen);
            let exec = &mut self.execs[chosen];
            let message = format!(
                "abandoned after {} expired reservations (lost on worker {})",
                exec.expiries,
                exec.lost_on.join(", ")
            );
            let details = String::new();
            exec.state = State::Done(Outcome::ExecutionError { message, details });
            exec.lease_known = false;
            exec.payload = None;
            exec.event("abandoned");
        }
    }

    /// What it requires.
    pub(crate) fn needs(&self, e: usize) -> Capabilities {
        self.execs[e].needs.clone()
    }

    /// An entry of a list: refused if the plan is another one.
    pub(crate) fn is_of(&self, e: usize, plan: usize) -> bool {
        self.execs[e].plan == plan
    }

    /// Whether the voice has the current lease; for the vendor's, whether it is the right principal.
    fn current(&self, e: usize, voice: Voice, principal: &str) -> Result<bool, ()> {
        let exec = &self.execs[e];
        let same = exec.principal == Some(principal);
        match voice {
            Voice::Lease(of, epoch) if of == e && epoch == exec.epoch && exec.lease_known => {
                if same { Ok(true) } else { Err(()) }
            }
            Voice::Lease(..) | Voice::Forger => Ok(false),
            Voice::Vendor => Ok(same),
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        e: usize,
        (voice, principal): (Voice, &'static str),
        timeout: Duration,
        release: bool,
        mark: ReleaseMark,
    ) -> Answer {
        use RefusalCode::{NotHolder, NotReserved, ReservationLost, ServerLost};
        self.tell_expired();
        let now = self.now;
        let vendor = voice == Voice::Vendor;
        if vendor && (self.rules.require_lease || release) {
            return Answer::Refused(NotHolder);
        }
        let current = self.current(e, voice, principal);
        let exec = &mut self.execs[e];
        if vendor && exec.state != State::Leased {
            return Answer::Refused(NotReserved);
        }
        match current {
            Err(()) => return Answer::Refused(NotHolder),
            Ok(false) if vendor => return Answer::Refused(NotHolder),
            Ok(false) => return Answer::Refused(ReservationLost),
            Ok(true) => {}
        }
        match exec.state {
            State::Done(_) => return Answer::Fine,
            State::Open if release => return Answer::Fine,
            State::Open => return Answer::Refused(ReservationLost),
            State::Leased => {}
        }
        let mine = Use::Lease(e, exec.epoch);
        if release {
            exec.state = State::Open;
            exec.skips = 0;
            exec.alone |= mark.alone;
            self.unbind(e, mark.trouble, false);
            match mark.not_started {
                None => self.execs[e].event("released"),
                Some(not_started) => self.not_started(e, not_started),
            }
            return Answer::Fine;
        }
        if exec.lapsed(now) {
            if exec.server.is_some_and(|s| self.servers[s].used != mine) {
                return Answer::Refused(ServerLost);
            }
            exec.skips = 0;
            exec.told_expired = false;
        }
        exec.timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        exec.deadline = now.plus(exec.timeout);
        exec.compensated = Duration::ZERO;
        Answer::Fine
    }

    /// Three different ones could not start it, or all that are there and one of them twice: it ends.
    fn not_started(&mut self, e: usize, (reason, live): (&'static str, &[&str])) {
        let exec = &mut self.execs[e];
        exec.event("not-started");
        let who = exec.worker.or(exec.principal).unwrap_or_default();
        let again = exec.unstarted.iter().any(|(other, _)| other == who);
        if !again {
            exec.unstarted.push((who.to_owned(), reason));
        }
        let failed = |who: &&str| exec.unstarted.iter().any(|(other, _)| other == who);
        let nobody = !live.is_empty() && live.iter().all(failed);
        if exec.unstarted.len() < 3 && !(again && nobody) {
            return;
        }
        let mut reasons: Vec<&str> = vec![];
        for (_, reason) in &exec.unstarted {
            if !reasons.contains(reason) {
                reasons.push(reason);
            }
        }
        let with_names = reasons.iter().map(|reason| {
            let who = exec.unstarted.iter().filter(|(_, other)| other == reason);
            let who: Vec<_> = who.map(|(who, _)| who.as_str()).collect();
            format!("{reason} (on {})", who.join(", "))
        });
        let all: Vec<_> = with_names.collect();
        let message = format!("no worker could start it: {}", all.join("; "));
        let details = String::new();
        exec.state = State::Done(Outcome::ExecutionError { message, details });
        exec.lease_known = false;
        exec.payload = None;
        exec.event("unstartable");
    }

    fn unbind(&mut self, e: usize, trouble: Option<ServerTrouble>, done: bool) {
        let (now, rules) = (self.now, self.rules);
        let exec = &mut self.execs[e];
        let Some(index) = exec.server else { return };
        let server = &mut self.servers[index];
        if server.used != Use::Lease(e, exec.epoch) {
            return;
        }
        server.used = Use::Nobody;
        match trouble {
            Some(trouble) => {
                let doubled = 2_u32.saturating_pow(server.troubles).min(20);
                server.rest = Some((trouble, now.plus(rules.trouble_rest * doubled)));
                server.troubles += 1;
                exec.avoids = Some(index);
                exec.event("server-trouble");
            }
            None if done => (server.troubles, server.rest) = (0, None),
            None => {}
        }
    }

    pub(crate) fn finish(
        &mut self,
        e: usize,
        (voice, principal): (Voice, &'static str),
        payload: Payload,
        trouble: Option<ServerTrouble>,
    ) -> Answer {
        use RefusalCode::{CannotFinish, OtherResult, ResultNotCounted};
        self.tell_expired();
        let vendor = voice == Voice::Vendor;
        if vendor && self.rules.require_lease {
            return Answer::Refused(CannotFinish);
        }
        let current = self.current(e, voice, principal);
        let exec = &mut self.execs[e];
        let same = exec.payload == Some(payload);
        let (code, kept) = match (current, &exec.state) {
            (Err(()), _) => (CannotFinish, None),
            (Ok(true), State::Leased) => {
                exec.state = State::Done(outcome(payload));
                exec.payload = Some(payload);
                self.unbind(e, trouble, true);
                self.execs[e].event("finished");
                self.learn(e);
                self.fill(e);
                return Answer::Fine;
            }
            (Ok(true), State::Done(_)) if same => return Answer::Fine,
            (Ok(_), _) if vendor => (CannotFinish, None),
            (Ok(true), State::Done(_)) => (OtherResult, Some("other-result")),
            (Ok(_), _) => (ResultNotCounted, Some("late-result")),
        };
        if let Some(kind) = kept.filter(|_| exec.late < 16) {
            exec.late += 1;
            let epoch = match voice {
                Voice::Lease(_, epoch) => epoch.min(exec.epoch),
                Voice::Vendor | Voice::Forger => exec.epoch,
            };
            exec.events.push((epoch, kind));
        }
        Answer::Refused(code)
    }

    /// What was imported since its reservation says what it came to, if nobody else does.
    fn fill(&mut self, e: usize) {
        let exec = &mut self.execs[e];
        if exec.state != State::Done(Outcome::Completed { result: None }) {
            return;
        }
        let said = self.imports[exec.imports..]
            .iter()
            .filter(|import| import.labels.covers(&exec.needs, FOLD))
            .find_map(|import| import.tests.iter().find(|(test, _)| *test == exec.test));
        if let Some((_, result)) = said {
            exec.state = State::Done(Outcome::Completed {
                result: Some(*result),
            });
            exec.event("imported");
            self.learn(e);
        }
    }

    pub(crate) fn import(&mut self, labels: Capabilities, tests: Vec<(usize, TestResult)>) {
        self.tell_expired();
        self.imports.push(Import { labels, tests });
        for e in 0..self.execs.len() {
            self.fill(e);
        }
    }

    pub(crate) fn reset(&mut self, e: usize, generation: Option<u32>) -> Answer {
        use RefusalCode::{InProgress, Malformed, NotFailed};
        self.tell_expired();
        let now = self.now;
        let exec = &mut self.execs[e];
        if let Some(wanted) = generation {
            if exec.generation > wanted {
                return Answer::Fine;
            }
            if exec.generation < wanted {
                return Answer::Refused(Malformed);
            }
        }
        match &exec.state {
            State::Done(_) if exec.failed() => {}
            State::Open if exec.generation > 0 && exec.epoch == exec.reset_at_epoch => {
                return Answer::Fine;
            }
            State::Leased if exec.leased(now) => return Answer::Refused(InProgress),
            State::Done(_) | State::Open | State::Leased => return Answer::Refused(NotFailed),
        }
        exec.event("reset");
        exec.state = State::Open;
        exec.generation += 1;
        exec.reset_at_epoch = exec.epoch;
        (exec.lease_known, exec.principal, exec.payload) = (false, None, None);
        (exec.expiries, exec.skips, exec.late) = (0, 0, 0);
        exec.alone = false;
        exec.unstarted.clear();
        exec.lost_on.clear();
        exec.server = None;
        Answer::Fine
    }

    pub(crate) fn add_server(&mut self, known: Option<usize>, labels: Capabilities) -> Answer {
        self.tell_expired();
        let id = known.unwrap_or(self.servers.len());
        match self.servers.get_mut(id) {
            Some(server) => {
                (server.labels, server.enabled, server.deleted) = (labels, true, false);
                (server.troubles, server.rest) = (0, None);
            }
            None => self.servers.push(Server {
                labels,
                enabled: true,
                deleted: false,
                used: Use::Nobody,
                troubles: 0,
                rest: None,
            }),
        }
        Answer::Server(id)
    }

    pub(crate) fn change_server(&mut self, id: usize, enabled: bool) -> Answer {
        self.tell_expired();
        match self.servers.get_mut(id).filter(|s| !s.deleted) {
            Some(server) => {
                server.enabled = enabled;
                if enabled {
                    (server.troubles, server.rest) = (0, None);
                }
                Answer::Server(id)
            }
            None => Answer::Refused(RefusalCode::Unknown),
        }
    }

    pub(crate) fn remove_server(&mut self, id: usize) -> Answer {
        self.tell_expired();
        match self.servers.get_mut(id).filter(|s| !s.deleted) {
            Some(server) => {
                server.deleted = true;
                Answer::Fine
            }
            None => Answer::Refused(RefusalCode::Unknown),
        }
    }

    /// The service was away: leases that were valid at `since` and can still be saved end later.
    pub(crate) fn extend(
        &mut self,
        since: Timestamp,
        by: impl Fn(Duration, Duration) -> (Duration, Duration),
    ) {
        for e in 0..self.execs.len() {
            let exec = &self.execs[e];
            let (extension, compensated) = by(exec.timeout, exec.compensated);
            if extension.is_zero() {
                continue;
            }
            let deadline = exec.deadline.plus(extension);
            let valid = exec.state == State::Leased && exec.deadline > since && deadline > self.now;
            // Only where the end was noticed already can its machine be with another lease.
            let mine = Use::Lease(e, exec.epoch);
            let taken = exec.server.is_some_and(|s| self.servers[s].used != mine);
            if valid && !taken {
                self.execs[e].deadline = deadline;
                self.execs[e].compensated = compensated;
                self.execs[e].told_expired = false;
            }
        }
    }

    /// What must hold at all times, whatever the store does.
    pub(crate) fn check(&self) {
        let mut bound = BTreeSet::new();
        for (index, server) in self.servers.iter().enumerate() {
            if let Some(e) = self.busy_with(index) {
                assert!(bound.insert(e), "two machines for one lease");
                assert_eq!(server.used, Use::Lease(e, self.execs[e].epoch));
            }
        }
    }
}

fn outcome((message, details, result): Payload) -> Outcome {
    if message.is_empty() && details.is_empty() {
        return Outcome::Completed { result };
    }
    Outcome::ExecutionError {
        message: message.to_owned(),
        details: details.to_owned(),
    }
}
