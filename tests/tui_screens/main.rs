//! Every screen drawn from fixed data, and what keys and events change. No terminal, no kernel:
//! the model takes values, gives values, and is drawn into cells. One file a screen.

mod drawing;
mod exercise;
mod keys;
mod lesson;
mod path;
mod probes;
mod reference;
mod review;
mod stepper;
mod task;
mod whole;
