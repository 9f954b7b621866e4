//! A connection string as libpq reads it: a URL, or pairs such as `host=db dbname=testplan`.
//!
//! tokio-postgres has a parser too, but it refuses parameters of libpq that are read here, such as `sslrootcert`. No error
//! repeats a part of the text that may belong to a password.

use std::{iter::Peekable, str::Chars};

use super::settings_error::SettingsError;

/// Keywords and values in the order of the text; of two with the same keyword the last one counts.
pub(super) type Pairs = Vec<(String, String)>;

/// Reads a connection string.
pub(super) fn parse(text: &str) -> Result<Pairs, SettingsError> {
    let text = text.trim();
    let url = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match url {
        Some(rest) => parse_url(rest),
        None if text.contains("://") => Err(SettingsError::new(
            "the address of the database is not one of PostgreSQL",
            "write a URL such as postgres://user@host:5432/testplan",
        )),
        None => parse_pairs(text),
    }
}

fn parse_url(rest: &str) -> Result<Pairs, SettingsError> {
    let mut pairs = Pairs::new();
    let mut rest = rest;
    if let Some(end) = rest.find(['@', '/'])
        && rest[end..].starts_with('@')
    {
        let (user, password) = match rest[..end].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..end], None),
        };
        push_if_any(&mut pairs, "user", decode(user)?);
        if let Some(password) = password {
            push_if_any(&mut pairs, "password", decode(password)?);
        }
        rest = &rest[end + 1..];
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (servers, mut rest) = rest.split_at(end);
    // A `@` here stands behind a `@`, `/` or `?` of a user or password that is not encoded.
    let stray = servers.contains('@') || rest.split('?').next().is_some_and(|it| it.contains('@'));
    if stray {
        return Err(SettingsError::new(
            "the URL of the database has a character in its user or password that ends it",
            "write `@` as %40, `/` as %2F and `:` as %3A there, or set PGPASSWORD instead",
        ));
    }
    let (hosts, ports) = servers_of(servers)?;
    push_if_any(&mut pairs, "host", hosts);
    push_if_any(&mut pairs, "port", ports);
    if let Some(path) = rest.strip_prefix('/') {
        let end = path.find('?').unwrap_or(path.len());
        push_if_any(&mut pairs, "dbname", decode(&path[..end])?);
        rest = &path[end..];
    }
    let parameters = rest.strip_prefix('?').unwrap_or("");
    for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
        let Some((keyword, value)) = parameter.split_once('=') else {
            return Err(SettingsError::new(
                "a parameter in the URL of the database has no value",
                "write parameters as ?keyword=value&keyword=value, with `&` as %26 in a value",
            ));
        };
        let (keyword, value) = (decode(keyword)?, decode(value)?);
        if keyword == "ssl" && value == "true" {
            // For URLs of JDBC, as libpq does.
            pairs.push(("sslmode".to_owned(), "require".to_owned()));
        } else {
            pairs.push((keyword, value));
        }
    }
    Ok(pairs)
}

/// The hosts and the ports of `host:port,host:port`, each separated by commas.
fn servers_of(text: &str) -> Result<(String, String), SettingsError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for server in text.split(',') {
        let (host, port) = match server.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, ""),
                Some((host, port)) if port.starts_with(':') => (host, &port[1..]),
                _ => {
                    return Err(SettingsError::new(
                        "an IPv6 address in the URL of the database does not end with `]`",
                        "write it as [::1]:5432",
                    ));
                }
            },
            None => server.split_once(':').unwrap_or((server, "")),
        };
        hosts.push(decode(host)?);
        ports.push(decode(port)?);
    }
    Ok((hosts.join(","), ports.join(",")))
}

fn push_if_any(pairs: &mut Pairs, keyword: &str, value: String) {
    if !value.is_empty() {
        pairs.push((keyword.to_owned(), value));
    }
}

/// Replaces `%41` and the like.
fn decode(text: &str) -> Result<String, SettingsError> {
    let wrong = || {
        SettingsError::new(
            "the URL of the database has a `%` that is not followed by two hexadecimal digits of a UTF-8 text",
            "write `%` as %25",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).ok_or_else(wrong)?;
        let value = digits.iter().try_fold(0, |value, &digit| {
            char::from(digit).to_digit(16).map(|it| value * 16 + it)
        });
        match value.and_then(|it| u8::try_from(it).ok()) {
            Some(0) | None => return Err(wrong()),
            Some(value) => bytes.push(value),
        }
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn parse_pairs(text: &str) -> Result<Pairs, SettingsError> {
    let mut pairs = Pairs::new();
    let mut rest = text.chars().peekable();
    loop {
        skip_spaces(&mut rest);
        let mut keyword = String::new();
        while let Some(letter) = rest.next_if(|it| *it != '=' && !it.is_whitespace()) {
            keyword.push(letter);
        }
        skip_spaces(&mut rest);
        if keyword.is_empty() && rest.peek().is_none() {
            return Ok(pairs);
        }
        if rest.next() != Some('=') {
            return Err(SettingsError::new(
                "the address of the database is neither a URL nor pairs of keyword=value",
                "write a URL such as postgres://user@host:5432/testplan",
            ));
        }
        skip_spaces(&mut rest);
        pairs.push((keyword, pair_value(&mut rest)?));
    }
}

fn skip_spaces(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|it| it.is_whitespace()).is_some() {}
}

/// A value, in quotes or up to a space; a backslash stands before a quote or space that belongs to it.
fn pair_value(rest: &mut Peekable<Chars<'_>>) -> Result<String, SettingsError> {
    let quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        if !quoted && rest.peek().is_none_or(|it| it.is_whitespace()) {
            return Ok(value);
        }
        match rest.next() {
            Some('\'') if quoted => return Ok(value),
            Some('\\') => value.extend(rest.next()),
            Some(letter) => value.push(letter),
            None => {
                return Err(SettingsError::new(
                    "a value in the address of the database has no closing quote",
                    "write a quote inside of a value as \\'",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> String {
        let pairs = parse(text).unwrap();
        let text: Vec<_> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        text.join(" ")
    }

    #[test]
    fn url_has_the_parts_that_libpq_reads() {
        for (url, expected) in [
            ("postgres://", ""),
            ("postgresql:///testplan", "dbname=testplan"),
            ("postgres://db", "host=db"),
            (
                "postgres://ci:s%40fe@db:5433/tp?sslmode=verify-full",
                "user=ci password=s@fe host=db port=5433 dbname=tp sslmode=verify-full",
            ),
            (
                "postgres://ci@[::1]:5433/tp",
                "user=ci host=::1 port=5433 dbname=tp",
            ),
            ("postgres://a:1,b,c:3/tp", "host=a,b,c port=1,,3 dbname=tp"),
            ("postgres://%2Frun%2Fpg/tp", "host=/run/pg dbname=tp"),
            (
                "postgres:///tp?host=/run/pg&port=1",
                "dbname=tp host=/run/pg port=1",
            ),
            (
                "postgres://db/?options=-c%20a%3Db",
                "host=db options=-c a=b",
            ),
            ("postgres://db?ssl=true", "host=db sslmode=require"),
            (
                "postgres://u:a?b@db/x",
                "user=u password=a?b host=db dbname=x",
            ),
        ] {
            assert_eq!(pairs(url), expected, "{url}");
        }
    }

    #[test]
    fn pairs_have_quotes_and_backslashes() {
        assert_eq!(
            pairs(r" host = db dbname='a b\'c' password=x\ y user=''"),
            "host=db dbname=a b'c password=x y user="
        );
        assert_eq!(pairs(""), "");
    }

    #[test]
    fn errors_repeat_no_part_of_a_password() {
        for text in [
            "postgres://ci:sec@ret@db/tp",
            "postgres://ci:sec/ret@db/tp",
            "postgres://ci:sec%ret@db/tp",
            "postgres://ci:sec%00ret@db/tp",
            "postgres://ci@[::1/tp?password=secret",
            "postgres://db/tp?secret",
            "password='secret",
            "secret",
            "mysql://ci:secret@db/tp",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                !error.contains("sec") && !error.contains("ret@"),
                "{text}: {error}"
            );
        }
    }
}
