//! The grader by the real binary, beyond what exercises prove: programs that are hostile or broken
//! (`programs`), checks that begin again on a save (`watch`), and failures that are explained by
//! further runs (`explained`). What must run in a cage is in `tests/hostile/`.

mod bench;
mod explained;
mod programs;
mod watch;
