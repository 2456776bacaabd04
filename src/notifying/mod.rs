//! Telling somebody outside how an execution ended: what is told, in which words, and by which channel.
//!
//! An [`event::Event`] is made of what the execution gave out, which is data of others: typed, cut, scrubbed. Each channel puts it into its own
//! shape; [`receiver`] judges the address that a secret names, and [`retries`] sends it until it is taken, refused, or too late.

pub(crate) mod channel;
pub(crate) mod event;
mod mail;
mod post;
mod receiver;
mod retries;
mod slack;
mod webhook;
mod words;
