//! Fake SMTP server that accepts all mail (the subset of RFC 5321 that a sender needs).
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// A received mail.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    /// The name with which the sender greeted the server.
    pub greeting: String,
    /// Headers and text, with soft line breaks removed.
    pub text: String,
}

impl Mail {
    fn is_new_sign_in_notice(&self) -> bool {
        self.text.contains("from an unusual location")
    }
}

/// An SMTP server on a free port.
pub struct MailServer {
    mails: Arc<Mutex<Vec<Mail>>>,
    /// The number of connections that are still rejected.
    busy: Arc<Mutex<u32>>,
    /// Refuses recipients at this host for good.
    refused_host: Arc<Mutex<Option<&'static str>>>,
    pub url: String,
}

impl MailServer {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (mails, busy) = (Arc::new(Mutex::new(Vec::<Mail>::new())), Arc::new(Mutex::new(0_u32)));
        let refused_host = Arc::<Mutex<Option<&str>>>::default();
        let (kept, rejections, refused) = (mails.clone(), busy.clone(), refused_host.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mails, refused) = (kept.clone(), *refused.lock().unwrap());
                let rejections_left = {
                    let mut left = rejections.lock().unwrap();
                    let busy = *left > 0;
                    *left = left.saturating_sub(1);
                    busy
                };
                tokio::spawn(async move {
                    let _ = serve_smtp(stream, rejections_left, refused, &mails).await; // the client may have disconnected
                });
            }
        });
        Self { mails, busy, refused_host, url }
    }

    /// Rejects the next connections.
    pub fn reject_next(&self, times: u32) {
        *self.busy.lock().unwrap() = times;
    }

    /// Refuses recipients at a host, or none.
    pub fn refuse_recipients(&self, host: Option<&'static str>) {
        *self.refused_host.lock().unwrap() = host;
    }

    /// Returns how many more connections it will reject.
    pub fn rejections_left(&self) -> u32 {
        *self.busy.lock().unwrap()
    }

    /// Returns the notices about sign-ins from new places, which nearly every test sends.
    pub fn new_sign_in_mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().iter().filter(|mail| mail.is_new_sign_in_notice()).cloned().collect()
    }

    /// Returns all other mails.
    fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().iter().filter(|mail| !mail.is_new_sign_in_notice()).cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.mails().len()
    }

    /// Waits for the `n`-th mail.
    pub async fn mail(&self, n: usize) -> Mail {
        for _ in 0..1_500 {
            if let Some(mail) = self.mails().get(n) {
                return mail.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("mail {n} never came; there are {:?}", self.mails.lock().unwrap());
    }
}

impl Mail {
    /// Returns the path of the link in the mail.
    pub fn link(&self, origin: &str) -> String {
        let line = self.text.lines().find_map(|line| line.trim().strip_prefix(origin));
        line.unwrap_or_else(|| panic!("no link to {origin} in {}", self.text)).to_owned()
    }
}

async fn serve_smtp(
    stream: TcpStream,
    busy: bool,
    refused_host: Option<&str>,
    mails: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if busy {
        return write.write_all(b"421 try again later\r\n").await;
    }
    write.write_all(b"220 postbox ESMTP\r\n").await?;
    let (mut to, mut greeting) = (String::new(), String::new());
    while let Some(line) = lines.next_line().await? {
        let word = line.split(' ').next().unwrap_or_default().to_uppercase();
        let response: &[u8] = match word.as_str() {
            "EHLO" | "HELO" => {
                greeting = line.split(' ').nth(1).unwrap_or_default().to_owned();
                b"250 postbox\r\n"
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match refused_host.is_some_and(|host| to.ends_with(host)) {
                    true => b"550 5.1.1 <script>no such\x1b[31m user\r\n",
                    false => b"250 ok\r\n",
                }
            }
            "DATA" => {
                write.write_all(b"354 send the message\r\n").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    text.push_str(&line);
                    text.push('\n');
                }
                let text = text.replace("=\n", "").replace("=3D", "=");
                mails.lock().unwrap().push(Mail { to: to.clone(), greeting: greeting.clone(), text });
                b"250 taken\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(response).await?;
    }
    Ok(())
}
