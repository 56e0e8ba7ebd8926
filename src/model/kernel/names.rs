//! Changes of names: abstract ones, and the link between a socket and its node.

use std::sync::Arc;

use super::Kernel;
use crate::model::address::Name;
use crate::model::call::Type;
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::id::{NodeId, SockId};

impl Kernel {
    /// Who holds an abstract name: `unix_find_socket_byname`.
    pub(in crate::model) fn holder(&self, ty: Type, name: &Name) -> Option<SockId> {
        let ty = self.kind_of_names(ty);
        self.abstract_names.get(&(ty, name.clone())).copied()
    }

    fn kind_of_names(&self, ty: Type) -> Type {
        match self.wrong(Fault::OneNamespaceForAllTypes) {
            true => Type::Stream,
            false => ty,
        }
    }

    /// Gives a socket an abstract name.
    pub(in crate::model) fn name_abstract(&mut self, sock: SockId, name: Name) {
        let ty = self.kind_of_names(self.sock(sock).ty);
        self.abstract_names.insert((ty, name.clone()), sock);
        self.set_name(sock, Arc::new(name));
    }

    /// Gives a socket a name that nobody has: `unix_autobind`. The kernel draws five hexadecimal
    /// digits; the model counts.
    pub(in crate::model) fn autobind(&mut self, sock: SockId) {
        let ty = self.sock(sock).ty;
        let name = loop {
            self.autobound += 1;
            let name = Name {
                bytes: format!("\0{:05x}", self.autobound).into_bytes(),
            };
            if self.holder(ty, &name).is_none() {
                break name;
            }
        };
        self.name_abstract(sock, name);
    }

    /// Gives a socket the path that it was bound to.
    pub(in crate::model) fn name_path(&mut self, sock: SockId, name: Name, node: NodeId) {
        self.lead(node, Some(sock));
        self.socks[sock.index()].node = Some(node);
        self.set_name(sock, Arc::new(name));
    }

    /// Lets an accepted socket show the name of its listener.
    pub(in crate::model) fn share_name(&mut self, sock: SockId, name: Option<Arc<Name>>) {
        if let Some(name) = name {
            self.set_name(sock, name);
        }
    }

    fn set_name(&mut self, sock: SockId, name: Arc<Name>) {
        self.socks[sock.index()].name = Some(name.clone());
        self.emit(|| Event::Named {
            sock,
            name: (*name).clone(),
        });
    }

    /// Takes the names away that lead to a socket: `unix_remove_socket`.
    pub(in crate::model) fn forget_name(&mut self, sock: SockId) {
        let ty = self.kind_of_names(self.sock(sock).ty);
        if let Some(node) = self.socks[sock.index()].node.take() {
            self.lead(node, None);
        }
        let Some(name) = self.sock(sock).name.clone() else {
            return;
        };
        let key = (ty, (*name).clone());
        if self.abstract_names.get(&key) == Some(&sock) {
            self.abstract_names.remove(&key);
            self.emit(|| Event::Unnamed { sock, name: key.1 });
        }
    }
}
