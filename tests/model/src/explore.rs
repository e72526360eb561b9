//! Breadth first through every state of a model: the shortest history to each broken promise, and whether every state can
//! still come to rest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::time::{Duration, Instant};

use stateright::Model;

/// A model whose states say what is broken and what is settled.
pub trait Judged: Model {
    /// The names of the bits of [`Judged::broken`].
    fn names(&self) -> &'static [&'static str];
    /// The promises that are broken.
    fn broken(&self, state: &Self::State) -> u16;
    /// The same state for all that are symmetric.
    fn canonical(&self, state: &Self::State) -> Self::State;
    /// Neither a fault nor a person's decision.
    fn happens_by_itself(&self, action: &Self::Action) -> bool;
    /// Nothing is left to be done.
    fn is_released(&self, state: &Self::State) -> bool;
    /// Nothing is left to be done, or a person was told what to do.
    fn is_settled(&self, state: &Self::State) -> bool;
}

/// What an exploration found.
pub struct Report {
    pub states: usize,
    pub transitions: usize,
    /// Whether there was room for every state.
    pub complete: bool,
    /// Broken promises, each with the shortest history to it.
    pub broken: Vec<(&'static str, Vec<String>)>,
    /// How many states cannot come to rest by themselves (L1), and the history to the first.
    pub stuck: usize,
    pub stuck_history: Vec<String>,
    /// How many states cannot come to a release without a person.
    pub needs_person: usize,
    pub took: Duration,
}

/// Folds each small field in by one multiplication: states are many, small and not hostile.
#[derive(Clone, Copy, Default)]
pub struct Folding(u64);

/// Makes [`Folding`]s.
pub type Fold = BuildHasherDefault<Folding>;

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

struct Graph {
    ids: HashMap<u64, u32, Fold>,
    /// From which state, by which of its actions.
    parents: Vec<(u32, u16)>,
    settled: Vec<bool>,
    released: Vec<bool>,
    /// The transitions that happen by themselves.
    steps: Vec<(u32, u32)>,
    broken: Vec<(&'static str, u32)>,
}

const NONE: u32 = u32::MAX;

/// Explores at most `limit` states.
pub fn explore<M: Judged>(model: &M, limit: usize) -> Report
where
    M::State: Clone + Hash,
    M::Action: Copy + Debug,
{
    let began = Instant::now();
    let mut graph = Graph {
        ids: HashMap::default(),
        parents: Vec::new(),
        settled: Vec::new(),
        released: Vec::new(),
        steps: Vec::new(),
        broken: Vec::new(),
    };
    let mut frontier = Vec::new();
    for state in model.init_states() {
        let (id, is_new) = graph.enter(model, &state, NONE, 0);
        assert!(is_new, "two first states are equal");
        frontier.push((id, state));
    }
    let (mut transitions, mut complete, mut actions) = (0, true, Vec::new());
    'levels: while !frontier.is_empty() {
        let mut next = Vec::new();
        for (from, state) in frontier {
            actions.clear();
            model.actions(&state, &mut actions);
            for (nth, action) in actions.iter().enumerate() {
                let Some(after) = model.next_state(&state, *action) else { continue };
                transitions += 1;
                let (to, is_new) = graph.enter(model, &after, from, nth as u16);
                if to != from && model.happens_by_itself(action) {
                    graph.steps.push((to, from));
                }
                if is_new {
                    next.push((to, after));
                }
            }
            if graph.parents.len() > limit {
                complete = false;
                break 'levels;
            }
        }
        frontier = next;
    }
    let broken = graph.broken.iter().map(|(name, id)| (*name, graph.history(model, *id))).collect();
    let mut report = Report {
        states: graph.parents.len(),
        transitions,
        complete,
        broken,
        stuck: 0,
        stuck_history: Vec::new(),
        needs_person: 0,
        took: Duration::ZERO,
    };
    if complete {
        graph.steps.sort_unstable();
        let settles = graph.leads_to(&graph.settled);
        report.stuck = settles.iter().filter(|settles| !**settles).count();
        if let Some(first) = settles.iter().position(|settles| !settles) {
            report.stuck_history = graph.history(model, first as u32);
        }
        report.needs_person = graph.leads_to(&graph.released).iter().filter(|released| !**released).count();
    }
    report.took = began.elapsed();
    report
}

impl Graph {
    fn enter<M: Judged>(&mut self, model: &M, state: &M::State, parent: u32, nth: u16) -> (u32, bool)
    where
        M::State: Hash,
    {
        let mut hasher = Folding::default();
        model.canonical(state).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let id = self.parents.len() as u32;
        match self.ids.entry(fingerprint) {
            Entry::Occupied(known) => return (*known.get(), false),
            Entry::Vacant(free) => free.insert(id),
        };
        self.parents.push((parent, nth));
        let broken = model.broken(state);
        // A history ends with the promise that it breaks.
        self.settled.push(broken != 0 || model.is_settled(state));
        self.released.push(broken != 0 || model.is_released(state));
        for (bit, name) in model.names().iter().enumerate() {
            if broken & (1 << bit) != 0 && !self.broken.iter().any(|(known, _)| known == name) {
                self.broken.push((name, id));
            }
        }
        (id, true)
    }

    /// The actions from a first state to this one.
    fn history<M: Judged>(&self, model: &M, mut id: u32) -> Vec<String>
    where
        M::Action: Copy + Debug,
    {
        let mut nths = Vec::new();
        while self.parents[id as usize].0 != NONE {
            let (parent, nth) = self.parents[id as usize];
            nths.push(nth);
            id = parent;
        }
        // They were entered first, in their order.
        let mut state = model.init_states().into_iter().nth(id as usize).expect("a first state");
        let mut history = Vec::new();
        for nth in nths.into_iter().rev() {
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            let action = actions[usize::from(nth)];
            history.push(format!("{action:?}"));
            state = model.next_state(&state, action).expect("it was taken before");
        }
        history
    }

    /// For each state whether steps that happen by themselves can lead to one of these. The steps are sorted.
    fn leads_to(&self, goal: &[bool]) -> Vec<bool> {
        let mut first = vec![0_usize; goal.len() + 1];
        for (to, _) in &self.steps {
            first[*to as usize + 1] += 1;
        }
        for at in 0..goal.len() {
            first[at + 1] += first[at];
        }
        let mut leads = goal.to_vec();
        let mut open: Vec<usize> = (0..goal.len()).filter(|at| goal[*at]).collect();
        while let Some(at) = open.pop() {
            for (_, from) in &self.steps[first[at]..first[at + 1]] {
                if !std::mem::replace(&mut leads[*from as usize], true) {
                    open.push(*from as usize);
                }
            }
        }
        leads
    }
}
