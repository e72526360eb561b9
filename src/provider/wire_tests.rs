use super::*;

/// What a dead address and a live one share.
struct Port {
    number: u16,
    _kept: Vec<TcpStream>,
    _listeners: [tokio::net::TcpListener; 2],
}

const DEAD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const LIVE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
const STEP: Duration = Duration::from_secs(10);

fn listener(address: SocketAddr, queue: u32) -> io::Result<tokio::net::TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(address)?;
    socket.listen(queue)
}

/// At [`DEAD`] the queue is full, so that the kernel drops who asks; at [`LIVE`] there is room.
async fn port() -> Port {
    let dead = listener(SocketAddr::new(DEAD, 0), 1).expect("a listener");
    let address = dead.local_addr().expect("its address");
    let live = listener(SocketAddr::new(LIVE, address.port()), 16).expect("the same port elsewhere");
    let mut kept = Vec::new();
    while let Ok(Ok(waiting)) = timeout(STEP, TcpStream::connect(address)).await {
        kept.push(waiting);
    }
    Port { number: address.port(), _kept: kept, _listeners: [dead, live] }
}

async fn dial(addresses: &[IpAddr]) -> (Option<IpAddr>, Duration) {
    let port = port().await;
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let wire = Wire { tls: Arc::new(tls), resolver: Arc::new(SystemResolver), step: STEP };
    let began = Instant::now();
    let connected = wire.dial(addresses, port.number).await;
    (connected.map(|tcp| tcp.peer_addr().expect("its peer").ip()), began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_dead_address_leaves_time_for_the_next_and_all_together_take_no_longer_than_one() {
    for (addresses, connected, seconds) in [
        (&[LIVE, DEAD][..], Some(LIVE), 0),
        (&[DEAD, LIVE], Some(LIVE), 5),
        (&[DEAD, DEAD, DEAD, DEAD, LIVE], Some(LIVE), 8),
        (&[DEAD, DEAD, DEAD, DEAD], None, 10),
        (&[], None, 0),
    ] {
        let (to, took) = dial(addresses).await;
        assert_eq!((to, took.as_secs()), (connected, seconds), "{addresses:?}");
    }
}

#[tokio::test]
async fn the_systems_resolver_knows_this_machine() {
    let addresses = SystemResolver.resolve("localhost").await.expect("addresses");
    assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
}
