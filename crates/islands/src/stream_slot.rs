//! Slots of event streams: over HTTP/1.1 a browser opens six connections to a server, for all of its windows together. A stream
//! needs one of four slots, so that two connections stay free for pages and forms. A slot is a lock that the windows of the
//! browser share (Web Locks API, section 3.2).
use crate::dom;
use js_sys::{Function, Object, Promise, Reflect, futures::JsFuture, futures::spawn_local};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

const SLOTS: usize = 4;

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, callback: &JsValue) -> Promise;
}

/// A slot that is free again when it is dropped.
#[derive(Default)]
pub struct Slot {
    /// The number of the lock, and the function that releases it.
    lock: Option<(usize, Function)>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((number, release)) = self.lock.take() {
            HELD.with_borrow_mut(|held| held[number] = false);
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

thread_local! {
    /// The locks of this window.
    static HELD: RefCell<[bool; SLOTS]> = const { RefCell::new([false; SLOTS]) };
}

/// Returns a slot, or `None` if all are taken. With `steal`, takes one from another window. Calls `on_loss` if another window
/// takes this one.
///
/// Over HTTP/2 one connection carries all streams. Pages that came from another machine without TLS have no locks: there a window
/// has slots while it has the focus.
pub async fn acquire(steal: bool, on_loss: Rc<dyn Fn()>) -> Option<Slot> {
    if is_multiplexed() {
        return Some(Slot::default());
    }
    let Some(locks) = lock_manager() else { return has_focus().then(Slot::default) };
    let own = HELD.with_borrow(|held| *held);
    let others: Vec<_> = (0..SLOTS).filter(|number| !own[*number]).collect();
    for &number in &others {
        if let Some(slot) = lock(&locks, number, "ifAvailable", &on_loss).await {
            return Some(slot);
        }
    }
    let random = usize::try_from(js_sys::Date::new_0().get_milliseconds()).unwrap_or(0);
    let stolen = others.get(random % others.len().max(1)).filter(|_| steal)?;
    lock(&locks, *stolen, "steal", &on_loss).await
}

/// Returns whether a window without the focus has to give up its slots.
pub fn follows_focus() -> bool {
    !is_multiplexed() && lock_manager().is_none()
}

/// Requests a lock with one option. The lock is held until the promise that its callback returned is resolved.
async fn lock(locks: &LockManager, number: usize, option: &str, on_loss: &Rc<dyn Fn()>) -> Option<Slot> {
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
        finished = Some(locks.request(&format!("castellan-stream-{number}"), &options, &callback));
    });
    let (finished, on_loss) = (finished?, Rc::clone(on_loss));
    let release = JsFuture::from(granted).await.ok()?.dyn_into().ok()?;
    HELD.with_borrow_mut(|held| held[number] = true);
    spawn_local(async move {
        if JsFuture::from(finished).await.is_err() {
            on_loss();
        }
    });
    Some(Slot { lock: Some((number, release)) })
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

fn has_focus() -> bool {
    dom::document().is_some_and(|document| document.has_focus().unwrap_or(true))
}
