use std::fmt;

/// What git is asked to clone from. Anything else is a program of the user's machine that git would run.
const SCHEMES: [&str; 5] = ["ssh", "https", "http", "git", "file"];

/// An address that git can clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// As the user wrote it, which is how git gets it.
    pub(super) text: String,
    /// The host and the path, without user, port and `.git`: the same for all addresses of one repository.
    pub(super) name: String,
}

/// Why words that look like an address are none, or none that is given to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressError {
    /// It begins with a dash, and git would take it for an option.
    Dash,
    /// It holds a control character.
    Control,
    /// It is of another scheme than [`SCHEMES`].
    Scheme,
    /// It holds a password, or a query, which may be one.
    Password,
    /// It names no host, or an odd one.
    Host,
    /// It names no repository on its host, or one above the root.
    Path,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dash => "it begins with a dash; write ./ before it if it is a path",
            Self::Control => "it holds a control character",
            Self::Scheme => "git is asked for addresses of ssh, https, http, git and file alone",
            Self::Password => {
                "it holds a password or a query, and the journal would keep them; leave them out, and let git ask its credential helper"
            }
            Self::Host => "it names no host, or an odd one",
            Self::Path => "it names no repository on its host",
        })
    }
}

impl Address {
    /// Reads what the user wrote; `None` where it is a path. Whether there is a file of this name the caller knows: it wins
    /// over an address that [`is_clear`] does not call one.
    ///
    /// The rules are those of git (`connect.c`, `transport.c`): `scheme://`, and `user@host:path`, whose colon stands before
    /// any slash.
    pub(super) fn read(text: &str) -> Option<Result<Self, AddressError>> {
        let name = if text.starts_with('-') {
            Err(AddressError::Dash)
        } else if text.contains(char::is_control) {
            Err(AddressError::Control)
        } else if let Some((scheme, rest)) = scheme(text, "://") {
            name_of_url(scheme, rest)
        } else if scheme(text, "::").is_some() {
            Err(AddressError::Scheme)
        } else {
            let (login, path) = scp_like(text)?;
            name_of_login(login, path)
        };
        Some(name.map(|name| Self { text: text.to_owned(), name }))
    }
}

/// Whether these words are an address or an option, whatever files there are.
pub(super) fn is_clear(text: &str) -> bool {
    text.starts_with('-') || scheme(text, "://").is_some()
}

/// The scheme that stands before `mark`, and what follows it.
fn scheme<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    text.split_once(mark).filter(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(is_of_scheme))
}

fn name_of_url(scheme: &str, rest: &str) -> Result<String, AddressError> {
    if !SCHEMES.contains(&scheme) {
        return Err(AddressError::Scheme);
    }
    if scheme == "file" {
        let path = rest.strip_prefix('/').ok_or(AddressError::Path)?;
        return Ok(format!("/{}", path_of(path)?));
    }
    let (login, path) = rest.split_once('/').ok_or(AddressError::Path)?;
    let has_password = login.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    if has_password || scheme.starts_with("http") && rest.contains(['?', '#']) {
        return Err(AddressError::Password);
    }
    name_of_login(login, path)
}

/// The two parts of `user@host:path`, where it is that. A host may stand in brackets, with a port or as an address of IPv6.
fn scp_like(text: &str) -> Option<(&str, &str)> {
    let bracket = text.find('[').filter(|at| *at == 0 || text.get(..*at).is_some_and(|user| user.ends_with('@')));
    let start = bracket.and_then(|at| Some(at + text.get(at..)?.find("]:")? + 1));
    let colon = start.or_else(|| text.find(':'))?;
    let (login, path) = (text.get(..colon)?, text.get(colon + 1..)?);
    let is_drive = cfg!(windows) && login.len() == 1;
    (!login.is_empty() && !login.contains(['/', '\\']) && !is_drive).then_some((login, path))
}

fn name_of_login(login: &str, path: &str) -> Result<String, AddressError> {
    // All of `user@host:22` may stand in brackets.
    let login = login
        .strip_prefix('[')
        .and_then(|login| login.strip_suffix(']'))
        .filter(|login| !is_ipv6(login))
        .unwrap_or(login);
    let (user, host) = login.rsplit_once('@').map_or((None, login), |(user, host)| (Some(user), host));
    let host = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, port)) if is_ipv6(host) && is_port(port) => format!("[{host}]"),
        Some(_) => return Err(AddressError::Host),
        None => {
            let end = host.find(':').unwrap_or(host.len());
            let (host, port) = host.split_at_checked(end).ok_or(AddressError::Host)?;
            let is_of_host = |character: char| character.is_alphanumeric() || ".-_".contains(character);
            let is_host = !host.is_empty() && !host.starts_with(['-', '.']) && host.chars().all(is_of_host);
            if !is_host || !is_port(port) {
                return Err(AddressError::Host);
            }
            host.to_owned()
        }
    };
    if user.is_some_and(|user| user.starts_with('-')) {
        return Err(AddressError::Dash);
    }
    Ok(format!("{}/{}", host.to_lowercase(), path_of(path)?))
}

fn is_ipv6(host: &str) -> bool {
    host.matches(':').count() > 1 && host.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte))
}

/// Whether it is nothing, or a colon and a number.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The path of a repository, without what means nothing in it.
fn path_of(path: &str) -> Result<String, AddressError> {
    if path.starts_with('-') {
        return Err(AddressError::Dash);
    }
    let mut parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if let Some(last) = parts.pop() {
        parts.push(last.strip_suffix(".git").unwrap_or(last));
    }
    // What `.git` alone is about is the folder around it.
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() || parts.contains(&"..") { Err(AddressError::Path) } else { Ok(parts.join("/")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Address, AddressError};

    fn name(text: &str) -> String {
        Address::read(text).unwrap().unwrap().name
    }

    fn error(text: &str) -> AddressError {
        Address::read(text).unwrap().unwrap_err()
    }

    #[test]
    fn all_addresses_of_a_repository_have_one_name() {
        for text in [
            "https://gitlab.example.com/group/app.git",
            "https://ada@GitLab.Example.com:8443/group/app",
            "http://gitlab.example.com//group/./app.git/",
            "ssh://git@gitlab.example.com:2222/group/app.git",
            "ssh://gitlab.example.com/group/app/.git",
            "git://gitlab.example.com/group/app",
            "git@gitlab.example.com:group/app.git",
            "gitlab.example.com:/group/app",
            "[git@gitlab.example.com:2222]:group/app.git",
        ] {
            assert_eq!(name(text), "gitlab.example.com/group/app", "{text}");
        }
    }

    #[test]
    fn a_host_may_be_a_number_and_a_repository_a_path_of_this_machine() {
        assert_eq!(name("ssh://git@[2001:db8::1]:22/a/b.git"), "[2001:db8::1]/a/b");
        assert_eq!(name("git@[2001:db8::1]:a/b.git"), "[2001:db8::1]/a/b");
        assert_eq!(name("[2001:db8::1]:a/b"), "[2001:db8::1]/a/b");
        assert_eq!(name("file:///srv/git/app.git"), "/srv/git/app");
        assert_eq!(name("ada@host:~ada/app"), "host/~ada/app");
    }

    #[test]
    fn paths_are_no_addresses() {
        for text in ["", ".", "app", "./a:b", "a/b:c", "/srv/git/app.git", "../x", "a//b", "./https://x/y", ":x"] {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_git_would_run_or_take_for_an_option_is_refused() {
        for text in ["--upload-pack=evil", "-c", "git@host:-x", "ssh://-oProxyCommand@host/x", "ssh://host/-x"] {
            assert_eq!(error(text), AddressError::Dash, "{text}");
        }
        for text in
            ["ext::sh -c 'touch x'", "fd::17", "ftp://host/x", "HTTPS://host/x", "ext::https://x/y", "a+b://x/y"]
        {
            assert_eq!(error(text), AddressError::Scheme, "{text}");
        }
        for text in [
            "ssh://-oProxyCommand=x/y",
            "https:///x",
            "ssh://git@/x",
            "ssh://host:x/y",
            "ssh://%2dx/y",
            "a b:c",
            "[x:y",
        ] {
            assert_eq!(error(text), AddressError::Host, "{text}");
        }
        for text in [
            "https://host/../../etc",
            "host:..",
            "https://host",
            "https://host/",
            "file://host/x",
            "git@host:",
            "ssh://h/.git",
        ] {
            assert_eq!(error(text), AddressError::Path, "{text}");
        }
        for text in ["https://ada:secret@host/x", "https://host/x?private_token=secret"] {
            assert_eq!(error(text), AddressError::Password, "{text}");
        }
        assert_eq!(error("https://host/x\ny"), AddressError::Control);
    }

    proptest! {
        #[test]
        fn any_words_are_read(text in r"(-|ssh://|https://|file://|[a-z]{0,2}::|)[a-z@:\[\]/.\-~? \x00]{0,20}") {
            if let Some(Ok(address)) = Address::read(&text) {
                prop_assert!(!address.name.contains("//") && !address.name.contains(char::is_control));
                prop_assert!(!address.name.split('/').any(|part| matches!(part, "." | "..")), "{}", address.name);
                prop_assert!(!text.starts_with('-'));
                let again = format!("https://{}.git", address.name);
                // The characters of a query stand in paths of SSH for themselves.
                if !text.starts_with("file:") && !address.name.contains(['?', '#']) {
                    prop_assert_eq!(name(&again), address.name);
                }
            }
        }
    }
}
