//! The grader by the real binary, beyond what exercises prove: programs that are hostile or broken
//! (`programs`), checks that begin again on a save (`watch`), failures that are explained by further
//! runs (`explained`), and what else the user has in flight meanwhile (`in_flight`). What must run in
//! a cage is in `tests/hostile/`.

mod bench;
mod explained;
mod in_flight;
mod programs;
mod watch;
