//! What the process tells its caller when it ends. Written once here; the manual is made from it.

/// The exit statuses of every subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or every required stage passed.
    Success = 0,
    /// The learner's program failed a required stage, or has not passed what a command needs; or
    /// something that the lessons say differs on this kernel.
    Failed = 1,
    /// The command line or an input file is wrong.
    Usage = 2,
    /// This machine lacks something that the judgement needs.
    CannotJudge = 3,
    /// A fault of ipc-mastery itself.
    Internal = 4,
    /// Interrupted: by Ctrl-C, or because the input ended where an answer was wanted.
    Interrupted = 130,
}

impl ExitCode {
    /// Every status, in ascending order.
    pub const ALL: [ExitCode; 6] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::CannotJudge,
        Self::Internal,
        Self::Interrupted,
    ];

    /// What it means, in one clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, or every required stage passed",
            Self::Failed => {
                "the learner's program failed or has not passed yet, or a claim differs on this kernel"
            }
            Self::Usage => "the command line or an input file is wrong",
            Self::CannotJudge => "this machine lacks something the judgement needs",
            Self::Internal => "a fault of ipc-mastery itself",
            Self::Interrupted => "interrupted, by Ctrl-C or by the end of the input",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
