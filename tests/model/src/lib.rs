//! Every interleaving of operator, API server, provider, people and faults within stated bounds. What is decided is
//! decided by the operator's own `decide`, `settle` and `confirm`; what is acted mirrors `src/reconcile`, a step a
//! transition.
#![cfg(test)]

mod action;
mod bounds;
mod explore;
mod guard;
mod hold;
mod ladder;
mod moves;
mod nonces;
mod operator;
mod people;
mod product;
mod provider;
mod rules;
mod shown;
mod state;
mod store;
mod variants;
mod world;
