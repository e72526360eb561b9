//! The nonces of a state: small numbers, of which only their order counts.

use crate::state::{Late, State, Window, Write};

impl State {
    /// Gives the nonces the smallest names that keep their order, so that equal worlds look equal. What no object can show
    /// again is dropped, unless processes must remember what a status was wiped of.
    pub fn rename_nonces(&mut self, remembers: bool) {
        let mut shown = 0_u32;
        for object in &self.objects {
            shown |= 1 << object.nonce;
        }
        for process in &self.processes {
            for object in 0..2 {
                shown |= 1 << process.cache[object].object.nonce;
                shown |= process.passes[object].map_or(0, |pass| 1 << pass.view.object.nonce);
            }
        }
        if let Some(Late { write: Write::Ledger { nonce, .. }, .. }) = self.late {
            shown |= 1 << nonce;
        }
        for window in self.processes.iter_mut().flat_map(|process| &mut process.window) {
            if !remembers && shown & (1 << window.nonce) == 0 {
                *window = Window::default();
            }
        }
        for nonce in self.processes.iter_mut().flat_map(|process| process.unsent.as_flattened_mut()) {
            if shown & (1 << *nonce) == 0 {
                *nonce = 0;
            }
        }
        let mut used = 1_u32;
        self.nonces(&mut |nonce| used |= 1 << *nonce);
        self.nonces(&mut |nonce| *nonce = (used & ((1 << *nonce) - 1)).count_ones() as u8);
    }

    /// A nonce that is later than every other.
    pub fn new_nonce(&mut self) -> u8 {
        let mut last = 0;
        self.nonces(&mut |nonce| last = last.max(*nonce));
        last + 1
    }

    fn nonces(&mut self, each: &mut impl FnMut(&mut u8)) {
        for object in &mut self.objects {
            each(&mut object.nonce);
        }
        for process in &mut self.processes {
            for object in 0..2 {
                each(&mut process.cache[object].object.nonce);
                each(&mut process.window[object].nonce);
                each(&mut process.window[object].last);
                process.unsent[object].iter_mut().for_each(&mut *each);
                if let Some(pass) = &mut process.passes[object] {
                    each(&mut pass.view.object.nonce);
                }
            }
        }
        for request in &mut self.wire {
            each(&mut request.nonce);
        }
        if let Some(Late { write: Write::Ledger { nonce, .. }, .. }) = &mut self.late {
            each(nonce);
        }
    }
}
