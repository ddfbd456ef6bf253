//! Load generator: clients that submit tasks and retry with the same idempotency key.
use crate::{client::client, timeouts::with_timeout};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The number of concurrent clients.
const CLIENTS: usize = 5;

/// The longest time until a response, including a database restart.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// An acknowledged task.
#[derive(Clone, Debug)]
pub struct AcknowledgedTask {
    pub id: String,
    pub request_digest: String,
    /// The expected output.
    pub output: String,
}

impl AcknowledgedTask {
    fn of(task: &Value, output: &str) -> Self {
        let text = |name: &str| task[name].as_str().unwrap().to_owned();
        Self { id: text("id"), request_digest: text("request_digest"), output: output.to_owned() }
    }
}

/// Running clients, until [`Load::end`].
pub struct Load {
    load_client: LoadClient,
    stop: CancellationToken,
    people: JoinSet<()>,
    acknowledged_tasks: Arc<Mutex<Vec<AcknowledgedTask>>>,
}

#[derive(Clone)]
struct LoadClient {
    client: Client,
    origin: String,
    key: String,
    /// Five random digits that distinguish this load from others.
    marker: String,
    number: Arc<AtomicU64>,
}

impl Load {
    pub fn begin(origin: &str, key: &str) -> Self {
        let marker = format!("{:05}", Uuid::new_v4().as_u64_pair().0 % 100_000);
        let (origin, key) = (origin.to_owned(), key.to_owned());
        let load_client = LoadClient { client: client(1), origin, key, marker, number: Arc::default() };
        let (stop, acknowledged_tasks) = (CancellationToken::new(), Arc::<Mutex<Vec<_>>>::default());
        let mut people = JoinSet::new();
        for _ in 0..CLIENTS {
            let (load_client, stop, acknowledged_tasks) =
                (load_client.clone(), stop.clone(), Arc::clone(&acknowledged_tasks));
            people.spawn(async move {
                while !stop.is_cancelled() {
                    let acknowledged_task = load_client.submit().await;
                    acknowledged_tasks.lock().unwrap().push(acknowledged_task.clone());
                    load_client.wait_for(&acknowledged_task, &stop).await;
                }
            });
        }
        Self { load_client, stop, people, acknowledged_tasks }
    }

    /// Returns the beginning of the command line of this load's tasks; each task has a unique one.
    pub fn marker(&self) -> String {
        format!("sleep 0.3{}", self.load_client.marker)
    }

    /// Returns the number of acknowledged tasks.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged_tasks.lock().unwrap().len()
    }

    /// Adds a task that the test submitted itself.
    pub fn record_acknowledged(&self, task: &Value, output: &str) {
        self.acknowledged_tasks.lock().unwrap().push(AcknowledgedTask::of(task, output));
    }

    /// Stops the clients after their last acknowledgment and returns all acknowledged tasks.
    pub async fn end(mut self) -> Vec<AcknowledgedTask> {
        self.stop.cancel();
        while let Some(ended) =
            with_timeout(ANSWER_TIMEOUT * 2, "all have their answers", self.people.join_next()).await
        {
            ended.unwrap();
        }
        std::mem::take(&mut *self.acknowledged_tasks.lock().unwrap())
    }
}

impl LoadClient {
    /// Submits a task and retries until it is acknowledged.
    async fn submit(&self) -> AcknowledgedTask {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let script = format!("echo {number} begins; sleep 0.3{}{number:06}; echo {number} ends", self.marker);
        let body = json!({ "script": script, "timeout_seconds": 60 });
        let request = || {
            let request = self.client.post(format!("{}/api/v1/tasks", self.origin)).bearer_auth(&self.key);
            request.header("idempotency-key", format!("load-{}-{number}", self.marker)).json(&body)
        };
        loop {
            match send(request()).await {
                Some((200 | 201, task)) => {
                    return AcknowledgedTask::of(&task, &format!("{number} begins\n{number} ends\n"));
                }
                Some((503 | 429, _)) | None => sleep(Duration::from_millis(50)).await,
                Some((status, problem)) => panic!("{status}: {problem:#}"),
            }
        }
    }

    /// Waits until the task has ended or the load stops.
    async fn wait_for(&self, acknowledged_task: &AcknowledgedTask, stop: &CancellationToken) {
        let over = ["succeeded", "failed", "cancelled", "timed_out", "lost"];
        while !stop.is_cancelled() {
            let request = self.client.get(format!("{}/api/v1/tasks/{}", self.origin, acknowledged_task.id));
            match send(request.bearer_auth(&self.key)).await {
                Some((200, task)) if over.contains(&task["state"].as_str().unwrap()) => return,
                Some((200 | 503 | 429, _)) | None => sleep(Duration::from_millis(100)).await,
                Some((status, problem)) => panic!("{status} for what was acknowledged: {problem:#}"),
            }
        }
    }
}

/// Returns the response, or `None` if the connection broke.
async fn send(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let whole = async {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    };
    with_timeout(ANSWER_TIMEOUT, "an answer or the end of the connection", whole).await
}
