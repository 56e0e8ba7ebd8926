//! Regular files, as far as it takes to pass one on, and read(2) and write(2) of anything.

use super::*;

impl Kernel {
    /// creat(2) of a file that is not there. It is opened, too, and closed again.
    pub(super) fn create(&mut self, pid: Pid, path: &Name) -> Answer {
        self.free(pid).next().ok_or(Errno::EMFILE)?;
        if self.walk(path)?.is_some() {
            return Err(Errno::EEXIST);
        }
        self.make_inode(path, Inode::Regular(Vec::new()));
        Ok(DONE)
    }

    pub(super) fn open(&mut self, pid: Pid, path: &Name, access: Access) -> Answer {
        let fd = self.free(pid).next().ok_or(Errno::EMFILE)?;
        let inode = self.walk(path)?.ok_or(Errno::ENOENT)?;
        if let Inode::Socket(_) = self.inodes[inode] {
            return Err(Errno::ENXIO);
        }
        let file = self.open_file(Kind::Regular { inode, offset: 0, access }, false);
        self.install(pid, fd, file, false);
        Ok(Outcome::Fd(fd))
    }

    pub(super) fn read(&mut self, pid: Pid, fd: Fd, len: usize) -> Answer {
        let file = self.file(pid, fd)?;
        let data = match self.files[file].kind {
            Kind::Socket(_) => self.read_sock(pid, fd, len)?,
            Kind::Regular { access: Access::Write, .. } => return Err(Errno::EBADF),
            Kind::Regular { inode, offset, .. } => {
                let left = self.content(inode).iter().skip(offset);
                let data: Vec<u8> = left.take(len).copied().collect();
                self.set_offset(file, offset + data.len());
                data
            }
        };
        Ok(Outcome::Received(Received { count: data.len(), data, ..Received::default() }))
    }

    pub(super) fn write(&mut self, pid: Pid, fd: Fd, data: Vec<u8>) -> Answer {
        let file = self.file(pid, fd)?;
        match self.files[file].kind {
            Kind::Socket(_) => self.send(pid, fd, Message { data, ..Message::default() }),
            Kind::Regular { access: Access::Read, .. } => Err(Errno::EBADF),
            Kind::Regular { inode, offset, .. } => {
                let end = offset + data.len();
                if let Inode::Regular(content) = &mut self.inodes[inode]
                    && !data.is_empty()
                {
                    content.resize(content.len().max(end), 0);
                    content[offset..end].copy_from_slice(&data);
                }
                self.set_offset(file, end);
                Ok(Outcome::Number(data.len() as i64))
            }
        }
    }

    pub(super) fn seek(&mut self, pid: Pid, fd: Fd, offset: usize) -> Answer {
        let file = self.file(pid, fd)?;
        if let Kind::Socket(_) = self.files[file].kind {
            return Err(Errno::ESPIPE);
        }
        self.set_offset(file, offset);
        Ok(Outcome::Number(offset as i64))
    }

    /// The offset is the file's: all descriptors that lead here share it, in whatever process.
    fn set_offset(&mut self, file: FileId, to: usize) {
        if let Kind::Regular { offset, .. } = &mut self.files[file].kind {
            *offset = to;
        }
    }

    pub(super) fn content(&self, inode: InodeId) -> &[u8] {
        match &self.inodes[inode] {
            Inode::Regular(content) => content,
            Inode::Socket(_) => &[],
        }
    }
}
