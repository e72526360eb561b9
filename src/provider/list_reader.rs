//! Reads Puffle's list as it arrives: of each row only id, type and status are kept, and of everything else a bounded
//! glimpse, so that neither a long list nor a hostile one takes much memory. Pure.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::list::{AccountList, Row, RowKind, RowStatus, uuid};

impl<'de> Deserialize<'de> for AccountList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = AccountList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one list `accounts`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AccountList, A::Error> {
        let mut accounts: Option<Rows> = None;
        let mut paging = Paging::default();
        while let Some(name) = map.next_key::<Glimpse>()? {
            match name {
                Glimpse::Text(name) if name == "accounts" => {
                    if accounts.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("accounts"));
                    }
                }
                Glimpse::Text(name) => paging.note(&name, &map.next_value()?),
                _ => paging.note("", &map.next_value()?),
            }
        }
        let Rows { mut rows, complete } = accounts.ok_or_else(|| A::Error::missing_field("accounts"))?;
        rows.sort_unstable();
        let unique = rows.windows(2).all(|pair| matches!(pair, [a, b] if a.id != b.id));
        let complete = complete && unique && paging.is_over_after(rows.len());
        Ok(AccountList { rows, complete })
    }
}

/// What the members beside `accounts` say about further pages. None is documented, so none is followed.
#[derive(Default)]
struct Paging {
    more: bool,
    total: u64,
    limit: Option<u64>,
}

impl Paging {
    fn note(&mut self, name: &str, value: &Glimpse) {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match name.as_str() {
            "total" | "totalcount" | "count" | "totalitems" => match value {
                Glimpse::Number(total) => self.total = self.total.max(*total),
                value => self.more |= *value != Glimpse::Nothing,
            },
            "limit" | "pagesize" | "perpage" => match value {
                Glimpse::Number(limit) => self.limit = Some(self.limit.map_or(*limit, |least| least.min(*limit))),
                value => self.more |= *value != Glimpse::Nothing,
            },
            "cursor" | "nextcursor" | "next" | "nextpage" | "nextpagetoken" | "nexttoken" | "nexturl" | "nextlink"
            | "hasmore" | "hasnext" | "hasnextpage" | "more" | "page" | "pages" | "totalpages" | "offset" | "skip"
            | "pagination" | "paging" | "pageinfo" | "links" | "meta" | "metadata" | "truncated" | "partial"
            | "error" | "errors" => self.more |= *value != Glimpse::Nothing,
            _ => {}
        }
    }

    fn is_over_after(&self, rows: usize) -> bool {
        let rows = rows as u64;
        !self.more && self.total <= rows && self.limit.is_none_or(|limit| rows < limit)
    }
}

/// The rows that could be read.
struct Rows {
    rows: Vec<Row>,
    complete: bool,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of accounts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Rows, A::Error> {
        let mut list = Rows { rows: Vec::new(), complete: true };
        while let Some(MaybeRow(row)) = seq.next_element()? {
            match row {
                Some(row) => {
                    list.complete &= row.kind != RowKind::Unreadable;
                    list.rows.push(row);
                }
                // A row that cannot be read may be any account, also the one that is looked for.
                None => list.complete = false,
            }
        }
        Ok(list)
    }
}

struct MaybeRow(Option<Row>);

impl<'de> Deserialize<'de> for MaybeRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor).map(Self)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Option<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Row>, A::Error> {
        let (mut id, mut kind, mut status) = (None, None, None);
        let mut twice = false;
        while let Some(name) = map.next_key::<Glimpse>()? {
            let member = match &name {
                // It may be any account, and make the row of any other one worth nothing.
                Glimpse::Text(name) if name == "id" && id.is_some() => return Err(A::Error::duplicate_field("id")),
                Glimpse::Text(name) if name == "id" => &mut id,
                Glimpse::Text(name) if name == "type" => &mut kind,
                Glimpse::Text(name) if name == "status" => &mut status,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            twice |= member.replace(map.next_value::<Glimpse>()?).is_some();
        }
        let Some(Glimpse::Text(id)) = id else { return Ok(None) };
        Ok(uuid(&id).map(|id| match (kind, status) {
            (Some(Glimpse::Text(kind)), Some(Glimpse::Text(status))) if !twice => {
                Row { id, kind: RowKind::of(&kind), status: RowStatus::of(&status) }
            }
            // It is kept: beside another row of the same id it makes that one worth nothing.
            _ => Row { id, kind: RowKind::Unreadable, status: RowStatus::Other },
        }))
    }
}

/// As much of a JSON value as anybody here needs to know: a bounded amount of any value.
#[derive(PartialEq)]
enum Glimpse {
    /// null, false, or empty.
    Nothing,
    Number(u64),
    Text(String),
    /// Anything else: not kept.
    Something,
}

impl Glimpse {
    const LONGEST: usize = 64;
}

impl<'de> Deserialize<'de> for Glimpse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GlimpseVisitor)
    }
}

struct GlimpseVisitor;

impl<'de> Visitor<'de> for GlimpseVisitor {
    type Value = Glimpse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Glimpse, E> {
        Ok(Glimpse::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Glimpse, E> {
        Ok(if value { Glimpse::Something } else { Glimpse::Nothing })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Glimpse, E> {
        Ok(Glimpse::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Glimpse, E> {
        Ok(Glimpse::Something)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Glimpse, E> {
        Ok(Glimpse::Something)
    }

    fn visit_str<E>(self, text: &str) -> Result<Glimpse, E> {
        Ok(match text.len() {
            0 => Glimpse::Nothing,
            1..=Glimpse::LONGEST => Glimpse::Text(text.to_owned()),
            _ => Glimpse::Something,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Glimpse, A::Error> {
        let mut glimpse = Glimpse::Nothing;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            glimpse = Glimpse::Something;
        }
        Ok(glimpse)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Glimpse, A::Error> {
        let mut glimpse = Glimpse::Nothing;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            glimpse = Glimpse::Something;
        }
        Ok(glimpse)
    }
}
