#![cfg(test)]
mod explore;
mod guard;
mod hold;
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
