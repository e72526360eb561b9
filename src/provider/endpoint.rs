//! Where a provider is asked: a base URL, checked once, that can then only produce URLs below itself.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::teardown::target::{Provider, Target};

/// A base URL longer than this is no base URL.
const MAX_LENGTH: usize = 1024;

/// RFC 3986 §2.3: what stands for itself in a path segment; everything else in an id is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which hosts may be sent a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    allowed: BTreeSet<String>,
    allow_insecure_loopback: bool,
}

/// Why a name cannot stand in the list of allowed hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host name: write a DNS name like api.postpress.ai, without scheme, port or path")]
pub struct NotAHostName(pub String);

impl HostPolicy {
    /// Allows these hosts over https and, with `allow_insecure_loopback`, also http and https to the literal addresses
    /// of 127.0.0.0/8 and `[::1]`, which is for tests and demos.
    pub fn new<H: AsRef<str>>(
        hosts: impl IntoIterator<Item = H>,
        allow_insecure_loopback: bool,
    ) -> Result<Self, NotAHostName> {
        let allowed = hosts
            .into_iter()
            .map(|host| dns_name(host.as_ref()).ok_or_else(|| NotAHostName(host.as_ref().to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { allowed, allow_insecure_loopback })
    }
}

/// The hosts of the two providers' own base URLs.
pub const DEFAULT_HOSTS: [&str; 2] = [default_host(Provider::PostPress), default_host(Provider::Puffle)];

const fn default_host(provider: Provider) -> &'static str {
    match provider {
        Provider::PostPress => "api.postpress.ai",
        Provider::Puffle => "app.puffle.ai",
    }
}

impl Default for HostPolicy {
    /// The two providers' own hosts, https only.
    fn default() -> Self {
        let allowed = DEFAULT_HOSTS.map(str::to_owned).into();
        Self { allowed, allow_insecure_loopback: false }
    }
}

/// A checked base URL in its one canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    tls: bool,
    host: Host,
    port: u16,
    /// Empty, or `/` and segments, without a slash at the end.
    prefix: String,
}

/// A host that the policy lets through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case; the addresses behind it are checked when they are connected to.
    Name(String),
    /// A literal loopback address, which only the test flag admits.
    Loopback(IpAddr),
}

/// Why a base URL is refused. Carries nothing of the URL but a host name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EndpointFault {
    /// Spaces, line ends, control or non-ASCII characters, or more than 1024 of them.
    #[error("it has a space, a line end or another character that no URL has, or is longer than 1024")]
    IllegalCharacter,
    /// It does not parse.
    #[error("it is not a URL of the form https://host/prefix")]
    NotAUrl,
    /// Any other scheme, http included.
    #[error("it does not begin with https://")]
    NotHttps,
    /// `user:password@`.
    #[error("it has a user name or password before the host")]
    UserInfo,
    /// `?…`
    #[error("it has a query (?)")]
    Query,
    /// `#…`
    #[error("it has a fragment (#)")]
    Fragment,
    /// `.`, `..`, empty segments, percent-encoding, or characters that no base path needs.
    #[error("its path has an empty or dotted segment, or a character other than letters, digits and -._~")]
    Path,
    /// An address in place of a name.
    #[error("its host is an IP address; write the provider's host name")]
    IpAddress,
    /// Not in the list of allowed hosts.
    #[error("host {host} is not allowed; allow it with --allowed-host {host}")]
    HostNotAllowed {
        /// A well-formed DNS name.
        host: String,
    },
}

/// Why an id cannot become one path segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account id that is empty, `.` or `..` would address something else")]
pub struct NotASegment;

impl Endpoint {
    /// The provider's own base URL, as its page gives it.
    pub fn default_base(provider: Provider) -> &'static str {
        match provider {
            Provider::PostPress => "https://api.postpress.ai/v1",
            Provider::Puffle => "https://app.puffle.ai",
        }
    }

    /// Checks a base URL. Nothing is repaired but case of the host, a default port and one slash at the end.
    pub fn parse(text: &str, policy: &HostPolicy) -> Result<Self, EndpointFault> {
        if text.len() > MAX_LENGTH || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(EndpointFault::IllegalCharacter);
        }
        let (scheme, rest) = text.split_once("://").ok_or(EndpointFault::NotAUrl)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(EndpointFault::NotHttps),
        };
        if rest.contains('#') {
            return Err(EndpointFault::Fragment);
        }
        if rest.contains('?') {
            return Err(EndpointFault::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(EndpointFault::UserInfo);
        }
        let (host, port) = split_port(authority, tls)?;
        let host = admit(host, policy)?;
        if !tls && matches!(host, Host::Name(_)) {
            return Err(EndpointFault::NotHttps);
        }
        let prefix = path.strip_suffix('/').unwrap_or(path);
        if !prefix.split('/').skip(1).all(plain_segment) {
            return Err(EndpointFault::Path);
        }
        Ok(Self { tls, host, port, prefix: prefix.to_owned() })
    }

    /// Whether the connection is encrypted; false only for a literal loopback address.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The host to connect to.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The other provider's own host, if this is there: no key of `provider` is anything to it.
    pub fn is_another_providers(&self, provider: Provider) -> Option<&'static str> {
        let others = [Provider::PostPress, Provider::Puffle].into_iter().filter(|other| *other != provider);
        let named = |host: &&str| matches!(&self.host, Host::Name(name) if name == host);
        others.map(default_host).find(named)
    }

    /// Host, and port where it is not the scheme's own: the `Host` header.
    pub fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The URL of one account, its id as exactly one path segment whatever it contains.
    pub fn account_url(&self, target: &Target) -> Result<String, NotASegment> {
        Ok(format!("{self}{}", self.below(target)?))
    }

    /// Path and query of [`Self::account_url`]: what stands in the request line.
    pub fn account_path(&self, target: &Target) -> Result<String, NotASegment> {
        Ok(format!("{}{}", self.prefix, self.below(target)?))
    }

    /// The path of the list of accounts, for Puffle's `GET {base}/api/accounts`.
    pub fn list_path(&self) -> String {
        format!("{}/api/accounts", self.prefix)
    }

    fn below(&self, target: &Target) -> Result<String, NotASegment> {
        let id = target.account_id();
        if matches!(id, "" | "." | "..") {
            return Err(NotASegment);
        }
        let collection = match target.provider() {
            Provider::PostPress => "/accounts",
            Provider::Puffle => "/api/accounts",
        };
        Ok(format!("{collection}/{}", utf8_percent_encode(id, SEGMENT)))
    }
}

impl fmt::Display for Endpoint {
    /// The canonical spelling, which is also what a fingerprint is made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Loopback(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Loopback(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn split_port(authority: &str, tls: bool) -> Result<(&str, u16), EndpointFault> {
    // Within brackets a colon is part of an address.
    match authority.rsplit_once(':').filter(|(_, after)| !after.contains(']')) {
        None => Ok((authority, if tls { 443 } else { 80 })),
        Some((host, port)) => {
            // `+443` is a number, too.
            let plain = port.bytes().all(|b| b.is_ascii_digit());
            let port = port.parse().ok().filter(|port| plain && *port != 0).ok_or(EndpointFault::NotAUrl)?;
            Ok((host, port))
        }
    }
}

fn admit(host: &str, policy: &HostPolicy) -> Result<Host, EndpointFault> {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let literal = match bracketed {
        Some(inner) => Some(IpAddr::V6(inner.parse::<Ipv6Addr>().map_err(|_| EndpointFault::NotAUrl)?)),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    if let Some(address) = literal {
        return match address.is_loopback() && policy.allow_insecure_loopback {
            true => Ok(Host::Loopback(address)),
            false => Err(EndpointFault::IpAddress),
        };
    }
    // 127.1, 2130706433 and 0x7f.1 are addresses too, for some resolvers.
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(EndpointFault::IpAddress);
    }
    let host = dns_name(host).ok_or(EndpointFault::NotAUrl)?;
    match policy.allowed.contains(&host) {
        true => Ok(Host::Name(host)),
        false => Err(EndpointFault::HostNotAllowed { host }),
    }
}

/// A DNS name (RFC 1123 §2.1) in lower case, its last label not a number.
fn dns_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = text.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    (text.len() <= 253 && text.split('.').all(label) && !numeric).then(|| text.to_ascii_lowercase())
}

fn plain_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
