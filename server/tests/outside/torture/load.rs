//! People who submit tasks whatever happens, and who ask again with the same key until they have an answer.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{ask::client, patience::soon};

/// How many submit at once.
const PEOPLE: usize = 5;

/// The longest that an answer may take, a database that has to come back included.
const ANSWER: Duration = Duration::from_secs(40);

/// A task that was acknowledged.
#[derive(Clone, Debug)]
pub struct Promise {
    pub id: String,
    pub request_digest: String,
    /// What it prints.
    pub output: String,
}

impl Promise {
    fn of(task: &Value, output: &str) -> Self {
        let text = |name: &str| task[name].as_str().unwrap().to_owned();
        Self { id: text("id"), request_digest: text("request_digest"), output: output.to_owned() }
    }
}

/// The people, until [`Load::end`].
pub struct Load {
    caller: Caller,
    stop: CancellationToken,
    people: JoinSet<()>,
    promises: Arc<Mutex<Vec<Promise>>>,
}

#[derive(Clone)]
struct Caller {
    client: Client,
    origin: String,
    key: String,
    /// Five digits that no other load has, most likely.
    mark: String,
    number: Arc<AtomicU64>,
}

impl Load {
    pub fn begin(origin: &str, key: &str) -> Self {
        let mark = format!("{:05}", Uuid::new_v4().as_u64_pair().0 % 100_000);
        let (origin, key) = (origin.to_owned(), key.to_owned());
        let caller = Caller { client: client(1), origin, key, mark, number: Arc::default() };
        let (stop, promises) = (CancellationToken::new(), Arc::<Mutex<Vec<_>>>::default());
        let mut people = JoinSet::new();
        for _ in 0..PEOPLE {
            let (caller, stop, promises) = (caller.clone(), stop.clone(), Arc::clone(&promises));
            people.spawn(async move {
                while !stop.is_cancelled() {
                    let promise = caller.submit().await;
                    promises.lock().unwrap().push(promise.clone());
                    caller.wait_for(&promise, &stop).await;
                }
            });
        }
        Self { caller, stop, people, promises }
    }

    /// How the command line begins by which its tasks are found in /proc; each has one of its own.
    pub fn mark(&self) -> String {
        format!("sleep 0.3{}", self.caller.mark)
    }

    /// How many tasks were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.promises.lock().unwrap().len()
    }

    /// Somebody else was acknowledged a task that prints this.
    pub fn promised(&self, task: &Value, output: &str) {
        self.promises.lock().unwrap().push(Promise::of(task, output));
    }

    /// Nobody submits anything more; what was asked for last is answered first.
    pub async fn end(mut self) -> Vec<Promise> {
        self.stop.cancel();
        while let Some(ended) = soon(ANSWER * 2, "all have their answers", self.people.join_next()).await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.promises.lock().unwrap())
    }
}

impl Caller {
    /// Submits a task, and asks again until that is acknowledged.
    async fn submit(&self) -> Promise {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let script = format!("echo {number} begins; sleep 0.3{}{number:06}; echo {number} ends", self.mark);
        let body = json!({ "script": script, "timeout_seconds": 60 });
        let request = || {
            let request = self.client.post(format!("{}/api/v1/tasks", self.origin)).bearer_auth(&self.key);
            request.header("idempotency-key", format!("load-{}-{number}", self.mark)).json(&body)
        };
        loop {
            match answer(request()).await {
                Some((200 | 201, task)) => {
                    return Promise::of(&task, &format!("{number} begins\n{number} ends\n"));
                }
                Some((503 | 429, _)) | None => sleep(Duration::from_millis(50)).await,
                Some((status, problem)) => panic!("{status}: {problem:#}"),
            }
        }
    }

    /// Waits until the task has ended, or nobody waits any more.
    async fn wait_for(&self, promise: &Promise, stop: &CancellationToken) {
        let over = ["succeeded", "failed", "cancelled", "timed_out", "lost"];
        while !stop.is_cancelled() {
            let request = self.client.get(format!("{}/api/v1/tasks/{}", self.origin, promise.id));
            match answer(request.bearer_auth(&self.key)).await {
                Some((200, task)) if over.contains(&task["state"].as_str().unwrap()) => return,
                Some((200 | 503 | 429, _)) | None => sleep(Duration::from_millis(100)).await,
                Some((status, problem)) => panic!("{status} for what was acknowledged: {problem:#}"),
            }
        }
    }
}

/// The answer, if one came whole: the connection may break at any moment.
async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let whole = async {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    };
    soon(ANSWER, "an answer or the end of the connection", whole).await
}
