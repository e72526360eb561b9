//! The line to the provider is slow: every byte is late, and there are few of them a second. So is one that loses packets,
//! which the kernel sends again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::future::{join_all, try_join};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::kind::Kind;
use crate::life::Life;

/// Each byte arrives so much later.
const LATENCY: Duration = Duration::from_secs(3);
/// So many bytes a second pass.
const PER_SECOND: u32 = 1024;
/// So many are read at once.
const PIECE: usize = 128;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_line_of_three_seconds_and_a_kibibyte_a_second_each_account_is_deleted_once_all_the_same() {
    Life::plan("slow-line", async |life| {
        let bed = &life.bed;
        life.start();
        let kinds = [Kind::PostPress, Kind::Email, Kind::Disconnect, Kind::Disconnected, Kind::Purge];
        join_all(kinds.into_iter().enumerate().map(async |(number, kind)| {
            let (name, account) = (format!("slow-{kind:?}").to_lowercase(), kind.nth_account(number));
            let fast = bed.sim.address(kind.provider());
            let slow = slow_line(fast).await.expect("a port");
            let base_url = kind.base_url(bed).replace(&fast.to_string(), &slow.to_string());
            let key = bed.key();
            bed.create_secret(&name, &key, &base_url).await;
            kind.create_object(bed, &name, &account, &name, &key).await;
            bed.until_reason(&name, kind.at_rest()).await;
            bed.mark(&name).await;
            bed.until_gone(&name).await;
            life.judge_one(kind, &name, &account, &name).await;
        }))
        .await;
        life.judge_all().await;
    })
    .await;
}

/// Where to connect to instead. It is there as long as the test's runtime.
async fn slow_line(to: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = TcpStream::connect(to).await?.into_split();
                try_join(slowly(near_in, far_out), slowly(far_in, near_out)).await
            });
        }
    });
    Ok(address)
}

/// Passes everything on, late and little by little.
async fn slowly(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::unbounded_channel();
    let read = async move {
        loop {
            let mut piece = vec![0; PIECE];
            let length = from.read(&mut piece).await?;
            piece.truncate(length);
            // Nobody listens any more once the other side has gone.
            if sender.send((Instant::now() + LATENCY, piece)).is_err() || length == 0 {
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
            sleep(Duration::from_secs(1) * piece.len() as u32 / PER_SECOND).await;
        }
        to.shutdown().await
    };
    try_join(read, write).await.map(|_| ())
}
