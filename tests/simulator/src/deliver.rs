//! How an answer travels: whole, cut, stalled, dripped, without end.

use std::time::Duration;

use tokio::time::sleep;

use crate::answer::{Answer, Framing};
use crate::exchange::Exchange;
use crate::fault::{Delivery, Source};
use crate::log::Ending;
use crate::wire::{Connection, Wire};

/// How much filler goes out at a time.
const FILLER: [u8; 16 * 1024] = [b' '; 16 * 1024];

impl Exchange {
    /// Writes `answer` as the fault has it; the connection, if it may carry another request.
    pub(crate) async fn deliver<W: Wire>(
        &self,
        mut connection: Connection<W>,
        answer: Answer,
    ) -> Option<Connection<W>> {
        if matches!(self.fault.delivery, Delivery::Cut | Delivery::Hang) {
            return self.cut(connection).await;
        }
        if let Source::Raw(bytes) = &self.fault.source {
            self.send_last(&mut connection, bytes).await;
            connection.end(self.fault.reset).await;
            return None;
        }
        self.shared.answering(self.seq, answer.status);
        let short = |after: usize| after.min(answer.body.len().saturating_sub(1));
        let sent = match self.fault.delivery {
            Delivery::CutInHead => {
                let head = answer.head(Framing::Length(answer.body.len() as u64));
                connection.send(&head[..head.len() / 2]).await;
                return self.cut(connection).await;
            }
            Delivery::CutInBody { after } => {
                connection.send(&answer.bytes_of_body(short(after))).await;
                return self.cut(connection).await;
            }
            Delivery::StallInBody { after } => {
                connection.send(&answer.bytes_of_body(short(after))).await;
                self.shared.hung(self.seq);
                self.unless_client_leaves(&mut connection, self.released()).await;
                return self.cut(connection).await;
            }
            Delivery::Drip { bytes, every } => self.drip(&mut connection, &answer.bytes(), bytes, every).await,
            Delivery::PaddedTo { bytes } => self.pad(&mut connection, &answer, bytes).await,
            Delivery::Endless => self.never_end(&mut connection, &answer).await,
            Delivery::Whole | Delivery::Cut | Delivery::CutInRequest | Delivery::Hang => {
                self.send_last(&mut connection, &answer.bytes()).await
            }
        };
        if sent && !self.closes(&answer) {
            return Some(connection);
        }
        connection.end(self.fault.reset).await;
        None
    }

    /// Sends the rest of an answer. Its end is logged just before the last bytes go, and taken back if they do not:
    /// whoever has seen the answer finds it in the log.
    async fn send_last<W: Wire>(&self, connection: &mut Connection<W>, bytes: &[u8]) -> bool {
        let (first, last) = bytes.split_at(bytes.len().saturating_sub(FILLER.len()));
        let mut sent = first.is_empty() || connection.send(first).await;
        if sent {
            self.shared.ended(self.seq, Ending::Answered);
            sent = connection.send(last).await;
        }
        if !sent {
            self.shared.not_seen(self.seq);
        }
        sent
    }

    async fn drip<W: Wire>(&self, connection: &mut Connection<W>, bytes: &[u8], size: usize, every: Duration) -> bool {
        let mut pieces = bytes.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                return self.send_last(connection, piece).await;
            }
            if !connection.send(piece).await {
                break;
            }
            self.unless_client_leaves(connection, sleep(every)).await;
            if connection.has_left() {
                break;
            }
        }
        self.shared.not_seen(self.seq);
        false
    }

    fn closes(&self, answer: &Answer) -> bool {
        let asked = self.request.header("connection");
        let asked = asked.is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        let told = answer.headers.iter();
        asked || self.fault.reset || told.into_iter().any(|(name, _)| name.eq_ignore_ascii_case("connection"))
    }

    async fn pad<W: Wire>(&self, connection: &mut Connection<W>, answer: &Answer, total: u64) -> bool {
        let total = total.max(answer.body.len() as u64);
        let mut left = usize::try_from(total).unwrap_or(usize::MAX) - answer.body.len();
        let mut sent = connection.send(&answer.head(Framing::Length(total))).await;
        sent = sent && connection.send(&answer.body).await;
        while sent && left > FILLER.len() {
            left -= FILLER.len();
            sent = connection.send(&FILLER).await;
        }
        if !sent {
            self.shared.not_seen(self.seq);
            return false;
        }
        self.send_last(connection, FILLER.get(..left).unwrap_or(&FILLER)).await
    }

    /// Ends only with the client.
    async fn never_end<W: Wire>(&self, connection: &mut Connection<W>, answer: &Answer) -> bool {
        let mut sent = connection.send(&answer.head(Framing::Chunked)).await;
        if !answer.body.is_empty() {
            sent = sent && connection.send(&chunk(&answer.body)).await;
        }
        let filler = chunk(&FILLER);
        while sent {
            sent = connection.send(&filler).await;
        }
        self.shared.not_seen(self.seq);
        false
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}
