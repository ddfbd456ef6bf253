//! A mail server that takes everything, on a port of its own: SMTP as RFC 5321 has it, as far as a sender needs it.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// A mail as it came.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    /// Headers and text, with soft line breaks undone.
    pub text: String,
}

impl Letter {
    fn is_about_a_place(&self) -> bool {
        self.text.contains("from an unusual location")
    }
}

/// The mail server.
pub struct Postbox {
    letters: Arc<Mutex<Vec<Letter>>>,
    /// How many connections are still turned away.
    busy: Arc<Mutex<u32>>,
    pub url: String,
}

impl Postbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (letters, busy) = (Arc::new(Mutex::new(Vec::<Letter>::new())), Arc::new(Mutex::new(0_u32)));
        let (kept, turned_away) = (letters.clone(), busy.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let letters = kept.clone();
                let is_busy = {
                    let mut left = turned_away.lock().unwrap();
                    let busy = *left > 0;
                    *left = left.saturating_sub(1);
                    busy
                };
                tokio::spawn(async move {
                    let _ = converse(stream, is_busy, &letters).await; // who hangs up has hung up
                });
            }
        });
        Self { letters, busy, url }
    }

    /// AttemptLocks the next connections away.
    pub fn be_busy(&self, times: u32) {
        *self.busy.lock().unwrap() = times;
    }

    /// How many more it will turn away.
    pub fn is_busy(&self) -> u32 {
        *self.busy.lock().unwrap()
    }

    /// Those about sign-ins from new places: here everybody signs in with browsers that have never been there, again and again.
    pub fn about_places(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().iter().filter(|letter| letter.is_about_a_place()).cloned().collect()
    }

    /// All others.
    fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().iter().filter(|letter| !letter.is_about_a_place()).cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.letters().len()
    }

    /// The `n`-th mail, once it has come.
    pub async fn letter(&self, n: usize) -> Letter {
        for _ in 0..1_500 {
            if let Some(letter) = self.letters().get(n) {
                return letter.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("mail {n} never came; there are {:?}", self.letters.lock().unwrap());
    }
}

impl Letter {
    /// The path of the link in it.
    pub fn link(&self, origin: &str) -> String {
        let line = self.text.lines().find_map(|line| line.trim().strip_prefix(origin));
        line.unwrap_or_else(|| panic!("no link to {origin} in {}", self.text)).to_owned()
    }
}

async fn converse(stream: TcpStream, busy: bool, letters: &Mutex<Vec<Letter>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if busy {
        return write.write_all(b"421 come back later\r\n").await;
    }
    write.write_all(b"220 postbox ESMTP\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let word = line.split(' ').next().unwrap_or_default().to_uppercase();
        let answer: &[u8] = match word.as_str() {
            "EHLO" | "HELO" => b"250 postbox\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                b"250 ok\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    text.push_str(&line);
                    text.push('\n');
                }
                let text = text.replace("=\n", "").replace("=3D", "=");
                letters.lock().unwrap().push(Letter { to: to.clone(), text });
                b"250 taken\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
