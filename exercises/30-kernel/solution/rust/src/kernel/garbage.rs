//! Sockets that no process can reach any more, because all that leads to them lies in their queues.
//! References never get to none there, so somebody has to look.

use std::mem;

use super::*;

impl Kernel {
    /// `unix_gc`
    pub fn collect(&mut self) -> Answer {
        let reached = self.reached();
        // First all the queues are emptied, and only then do sockets die of it. So no peer is told
        // that anything got lost: nobody could have read it.
        let mut garbage = Vec::new();
        for (sock, reached) in reached.into_iter().enumerate() {
            if !reached {
                let queue = mem::take(&mut self.sockets[sock].queue);
                garbage.extend(queue.into_iter().flat_map(|skb| skb.files));
            }
        }
        self.drop_files(garbage);
        Ok(DONE)
    }

    /// Which sockets a process can get at: by a descriptor, or by receiving one, however often.
    fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.sockets.len()];
        let descriptors = self.processes.values().flat_map(|process| process.descriptors.values());
        let mut next: Vec<SockId> =
            descriptors.filter_map(|descriptor| self.sock_of(descriptor.file)).collect();
        while let Some(sock) = next.pop() {
            if mem::replace(&mut reached[sock], true) {
                continue;
            }
            let socket = &self.sockets[sock];
            next.extend(&socket.waiting);
            let files = socket.queue.iter().flat_map(|skb| &skb.files);
            next.extend(files.filter_map(|file| self.sock_of(*file)));
        }
        reached
    }

    fn sock_of(&self, file: FileId) -> Option<SockId> {
        match self.files[file].kind {
            Kind::Socket(sock) => Some(sock),
            Kind::Regular { .. } => None,
        }
    }
}
