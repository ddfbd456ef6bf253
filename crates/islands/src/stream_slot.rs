//! Slots of event streams: over HTTP/1.1 a browser opens six connections to a server, for all of its windows together. A stream
//! needs one of four slots, so that two connections stay free for pages and forms. Two slots are for the window in use, and the
//! other windows share two. A slot is a lock that the windows of the browser share (Web Locks API, section 3.2).
use crate::dom;
use js_sys::{Function, Object, Promise, Reflect, futures::JsFuture, futures::spawn_local};
use std::{cell::RefCell, ops::Range, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

const SLOTS: usize = 4;

/// The first of them are for the window in use.
const IN_USE: usize = 2;

/// The slots that a stream requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A slot of the window in use: a free one, or that of the window that was used before.
    InUse,
    /// Any slot that is free.
    Free,
    /// Any slot that is free, or one that the windows in the background share.
    Shared,
}

impl Claim {
    /// Returns which slots it takes if they are free, and which it takes from another window.
    fn slots(self) -> (Range<usize>, Range<usize>) {
        match self {
            Self::InUse => (0..IN_USE, 0..IN_USE),
            Self::Free => (0..SLOTS, 0..0),
            Self::Shared => (0..SLOTS, IN_USE..SLOTS),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, callback: &JsValue) -> Promise;
}

/// A slot that is free again when it is dropped.
#[derive(Default)]
pub struct Slot {
    _lock: Option<Lock>,
}

struct Lock {
    _reservation: Reservation,
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::NULL);
    }
}

thread_local! {
    /// The reservations of this window by the number of the lock.
    static RESERVED: RefCell<[bool; SLOTS]> = const { RefCell::new([false; SLOTS]) };
}

/// The right of one stream of this window to request a lock, so that two of them do not take it from each other.
struct Reservation(usize);

impl Reservation {
    fn new(number: usize) -> Option<Self> {
        let was_reserved = RESERVED.with_borrow_mut(|reserved| std::mem::replace(&mut reserved[number], true));
        (!was_reserved).then_some(Self(number))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        RESERVED.with_borrow_mut(|reserved| reserved[self.0] = false);
    }
}

/// Returns a slot, or `None` if all are taken that `claim` may take. Calls `on_loss` if another window takes
/// this one.
///
/// Over HTTP/2 one connection carries all streams. Pages that came from another machine without TLS have no locks: there a window
/// has slots while it has the focus.
pub async fn acquire(claim: Claim, on_loss: Rc<dyn Fn()>) -> Option<Slot> {
    if is_multiplexed() {
        return Some(Slot::default());
    }
    let Some(locks) = lock_manager() else { return dom::has_focus().then(Slot::default) };
    let (free, others) = claim.slots();
    for number in free {
        let Some(reservation) = Reservation::new(number) else { continue };
        if let Some(slot) = lock(&locks, reservation, "ifAvailable", &on_loss).await {
            return Some(slot);
        }
    }
    // In changing order, so that not always the same window loses.
    let mut others: Vec<_> = others.collect();
    if js_sys::Date::new_0().get_milliseconds() % 2 == 1 {
        others.reverse();
    }
    let reservation = others.into_iter().find_map(Reservation::new)?;
    lock(&locks, reservation, "steal", &on_loss).await
}

/// Returns whether a window without the focus has to give up its slots.
pub fn follows_focus() -> bool {
    !is_multiplexed() && lock_manager().is_none()
}

/// Requests a lock with one option. The lock is held until the promise that its callback returned is resolved.
async fn lock(locks: &LockManager, reservation: Reservation, option: &str, on_loss: &Rc<dyn Fn()>) -> Option<Slot> {
    let options = Object::new();
    Reflect::set(&options, &option.into(), &true.into()).ok()?;
    let mut callback = JsValue::UNDEFINED;
    let mut finished = None;
    let granted = Promise::new(&mut |tell, _| {
        callback = Closure::once_into_js(move |lock: JsValue| {
            if lock.is_null() {
                let _ = tell.call0(&JsValue::NULL);
                return JsValue::UNDEFINED;
            }
            Promise::new(&mut |release, _| drop(tell.call1(&JsValue::NULL, &release))).into()
        });
        finished = Some(locks.request(&format!("castellan-stream-{}", reservation.0), &options, &callback));
    });
    let (finished, on_loss) = (finished?, Rc::clone(on_loss));
    let release = JsFuture::from(granted).await.ok()?.dyn_into().ok()?;
    spawn_local(async move {
        if JsFuture::from(finished).await.is_err() {
            on_loss();
        }
    });
    Some(Slot { _lock: Some(Lock { _reservation: reservation, release }) })
}

/// Returns whether the page came over a protocol that carries any number of streams in one connection.
fn is_multiplexed() -> bool {
    let protocol = || {
        let entries = dom::window()?.performance()?.get_entries_by_type("navigation");
        Reflect::get(&entries.get(0), &"nextHopProtocol".into()).ok()?.as_string()
    };
    protocol().is_some_and(|protocol| protocol == "h2" || protocol == "h3")
}

fn lock_manager() -> Option<LockManager> {
    let locks = Reflect::get(&dom::window()?.navigator(), &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}
