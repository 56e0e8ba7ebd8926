//! Errors that can be put into the model on purpose: whoever compares it with Linux must find each of
//! them, or does not look well enough.

use super::row::{Row, row};

/// What it takes to notice an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// One process is enough.
    OneProcess,
    /// Several, with different users.
    SeveralProcesses,
}

macro_rules! faults {
    ($($name:ident $id:literal $row:literal $needs:ident $sentence:literal)*) => {
        /// An error of the model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = concat!("Row ", $row, ", wrong: ", $sentence, ".")] $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What it is called.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The row of the catalogue that it breaks.
            pub fn row(self) -> Row {
                match self { $(Self::$name => row($row),)* }
            }

            /// What it takes to notice it.
            pub fn needs(self) -> Needs {
                match self { $(Self::$name => Needs::$needs,)* }
            }

            /// What the model then gets wrong: a clause.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

faults! {
    AbstractInUseFirst "abstract-in-use-first" "B12" OneProcess
        "a bound socket that takes an abstract name in use gets EADDRINUSE"
    AcceptInheritsNonblock "accept-inherits-nonblock" "C06" SeveralProcesses
        "an accepted socket does not block when its listener does not"
    AcceptedHasNoName "accepted-has-no-name" "D04" OneProcess
        "an accepted socket does not show the name of its listener"
    AddsTwice "adds-twice" "L13" OneProcess
        "epoll_ctl adds the same descriptor twice"
    AnybodyMaySpoof "anybody-may-spoof" "K05" SeveralProcesses
        "an ordinary user may send the credentials of others"
    ArrivalWakesNoSender "arrival-wakes-no-sender" "F42" SeveralProcesses
        "what arrives does not wake who sleeps for room to send"
    BacklogIsExact "backlog-is-exact" "E07" OneProcess
        "listen(n) admits n connections and not n + 1"
    BacklogIsUnlimited "backlog-is-unlimited" "E09" OneProcess
        "a listener takes any number of connections"
    BoundIsTestedBeforePath "bound-is-tested-before-path" "A15" OneProcess
        "bind looks whether the socket has a name before it makes the node"
    BrokenStreamIsSilent "broken-stream-is-silent" "F04" OneProcess
        "EPIPE of a stream comes without SIGPIPE"
    CloseShutsDown "close-shuts-down" "C11" OneProcess
        "closing one of two descriptors tells the peer"
    ClosedListenerResetsNobody "closed-listener-resets-nobody" "E12" OneProcess
        "a connection that nobody accepted ends in order"
    ConnectedTakesFromAll "connected-takes-from-all" "H10" OneProcess
        "a connected datagram socket takes datagrams from all"
    DatagramsEnd "datagrams-end" "G10" OneProcess
        "a datagram socket that was shut down reports an end"
    DeadPeerHasNoName "dead-peer-has-no-name" "D08" OneProcess
        "getpeername fails when the peer is gone"
    DeadPeerIsKept "dead-peer-is-kept" "H12" OneProcess
        "ECONNREFUSED does not dissolve the association of a datagram socket"
    EdgesAreLevels "edges-are-levels" "L10" OneProcess
        "EPOLLET reports what is ready again and again"
    EffectiveIdsInMessages "effective-ids-in-messages" "K14" SeveralProcesses
        "SCM_CREDENTIALS holds effective ids"
    EmptyAcceptIsRefused "empty-accept-is-refused" "E06" OneProcess
        "accept without a connection gets EINVAL"
    EmptyPacketResets "empty-packet-resets" "I18" OneProcess
        "one empty packet that was not read makes a reset"
    EndHasNoCredentials "end-has-no-credentials" "K28" OneProcess
        "the end of a stream comes from nobody"
    EndIsNotReadable "end-is-not-readable" "L05" OneProcess
        "poll does not report the end of a stream as readable"
    ErrorIsNotCleared "error-is-not-cleared" "F07" OneProcess
        "SO_ERROR leaves the error where it is"
    FchmodReachesNode "fchmod-reaches-node" "N03" OneProcess
        "fchmod of a bound socket changes its node"
    FilesInEveryPiece "files-in-every-piece" "J36" OneProcess
        "descriptors go with every piece of a long message"
    FilesMakeNoBarrier "files-make-no-barrier" "J11" OneProcess
        "one call reads on behind descriptors"
    FreedPlaceWakesNobody "freed-place-wakes-nobody" "E26" SeveralProcesses
        "whoever sleeps for room in a queue sleeps on when a place is free"
    FreshIsNotHungUp "fresh-is-not-hung-up" "L01" OneProcess
        "poll reports no hang-up for a socket that was never connected"
    HighestDescriptor "highest-descriptor" "C14" OneProcess
        "a new descriptor comes behind the highest"
    InqCountsAllDatagrams "inq-counts-all-datagrams" "H30" OneProcess
        "SIOCINQ adds all datagrams up"
    LevelsFireOnce "levels-fire-once" "L18" OneProcess
        "epoll_wait reports what is ready only once"
    ListenNeedsNoName "listen-needs-no-name" "E01" OneProcess
        "a socket without a name may listen"
    ListenerIsWritable "listener-is-writable" "L02" OneProcess
        "poll reports a listener as writable"
    ModeIsNotAsked "mode-is-not-asked" "N04" SeveralProcesses
        "everybody may connect, whatever the mode of the node"
    MoreFilesInAMessage "more-files-in-a-message" "J07" OneProcess
        "a message takes 254 descriptors"
    NameOutlivesSocket "name-outlives-socket" "B08" OneProcess
        "an abstract name stays taken when its socket is gone"
    NewestConnectionFirst "newest-connection-first" "E21" OneProcess
        "accept takes the connection that came last"
    NoCtrunc "no-ctrunc" "J17" OneProcess
        "MSG_CTRUNC is not set for descriptors that were dropped"
    NoTrunc "no-trunc" "H02" OneProcess
        "MSG_TRUNC is not set for a packet that was cut"
    OneShotFiresAgain "one-shot-fires-again" "L14" OneProcess
        "EPOLLONESHOT does not silence what was reported"
    OneNamespaceForAllTypes "one-namespace-for-all-types" "B13" OneProcess
        "all types share their abstract names"
    OutqCountsBytes "outq-counts-bytes" "F29" OneProcess
        "SIOCOUTQ counts bytes and not memory"
    OwnStateFirst "own-state-first" "E16" OneProcess
        "connect looks at its own state before it looks for the other"
    PacketsBeforeError "packets-before-error" "I07" OneProcess
        "packets are received before the error that waits"
    PacketsMayFillTheBuffer "packets-may-fill-the-buffer" "H17" OneProcess
        "a packet may be as large as the send buffer"
    PasscredIsNotInherited "passcred-is-not-inherited" "E24" OneProcess
        "SO_PASSCRED of a listener does not reach its connections"
    PeekStopsWhenFull "peek-stops-when-full" "J52" OneProcess
        "a peek stops where its buffer is full"
    PollIgnoresFullPeer "poll-ignores-full-peer" "H21" OneProcess
        "poll reports room though the queue of the receiver is full"
    QueueLimitForMutualPeers "queue-limit-for-mutual-peers" "H15" OneProcess
        "the limit of a queue holds between mutual peers too"
    QueueOfDatagramsIsUnlimited "queue-of-datagrams-is-unlimited" "H14" OneProcess
        "a queue takes any number of datagrams"
    RawIsStream "raw-is-stream" "C01" OneProcess
        "SOCK_RAW makes a stream"
    ReconnectDoesNotReset "reconnect-does-not-reset" "H19" OneProcess
        "a datagram peer that was left gets no error"
    ReconnectKeepsQueue "reconnect-keeps-queue" "H19" OneProcess
        "a datagram socket that connects elsewhere keeps its queue"
    RoomForOneFilePerWord "room-for-one-file-per-word" "J17" OneProcess
        "a control buffer of 24 bytes has room for one descriptor"
    SendAfterShutWrite "send-after-shut-write" "G01" OneProcess
        "a stream may send after SHUT_WR"
    SendBufferIsTwiceAsLarge "send-buffer-is-twice-as-large" "F11" OneProcess
        "a send buffer holds twice as much"
    SenderWokenByAnyRoom "sender-woken-by-any-room" "F41" SeveralProcesses
        "whoever sleeps for room to send is woken by any that there is"
    SenderDoesNotCollect "sender-does-not-collect" "K04" OneProcess
        "SO_PASSCRED of the sender does not matter"
    SetsKeepTheDead "sets-keep-the-dead" "L15" OneProcess
        "a set of epoll keeps what is closed for good"
    SetsWatchDescriptors "sets-watch-descriptors" "L12" OneProcess
        "closing a descriptor takes it out of a set of epoll though a duplicate is open"
    ShutListenerAdmits "shut-listener-admits" "E13" OneProcess
        "a listener that was shut down takes connections"
    ShutReadIsPrivate "shut-read-is-private" "G04" OneProcess
        "SHUT_RD is not told to the peer"
    ShutReceiverTakesPackets "shut-receiver-takes-packets" "G12" OneProcess
        "a receiver that was shut down takes packets"
    ShutdownNeedsConnection "shutdown-needs-connection" "G05" OneProcess
        "shutdown of a socket without a peer gets ENOTCONN"
    SignalForgetsBytes "signal-forgets-bytes" "O15" SeveralProcesses
        "a call that a signal ends does not tell of the bytes that it has moved"
    SndBufIsNotDoubled "snd-buf-is-not-doubled" "F26" OneProcess
        "SO_SNDBUF is what was asked for"
    TrailingZerosDoNotCount "trailing-zeros-do-not-count" "B01" OneProcess
        "zeros at the end of an abstract name do not count"
    TruncReturnsCopied "trunc-returns-copied" "H03" OneProcess
        "MSG_TRUNC does not tell the whole length"
    TypeIsNotCompared "type-is-not-compared" "A22" OneProcess
        "connect by a path does not compare types"
    UmaskIsIgnored "umask-is-ignored" "N01" OneProcess
        "the umask does not reach the node of a socket"
    UnreadMakesNoReset "unread-makes-no-reset" "F05" OneProcess
        "what was not read at close makes no reset"
    WritableAtHalf "writable-at-half" "F13" OneProcess
        "poll reports room when half of the send buffer is free"
    WritersAreGlued "writers-are-glued" "K07" OneProcess
        "messages of different writers are read as one"
}

impl Fault {
    /// The one with this name.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(Fault::parse(fault.id()), Some(*fault));
        }
    }
}
