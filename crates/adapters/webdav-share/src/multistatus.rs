//! Answers to PROPFIND (RFC 4918, section 14.16).

use std::time::SystemTime;

use percent_encoding::percent_decode_str;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

const DAV: Namespace<'static> = Namespace("DAV:");

/// What an answer says of one file or folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The last name of its path; `None` for the server's top and for what is not UTF-8.
    pub(crate) name: Option<String>,
    pub(crate) is_folder: bool,
    /// Whether the server says that it is not there after all.
    pub(crate) is_missing: bool,
    pub(crate) modified: Option<SystemTime>,
    /// How many bytes may still be stored there.
    pub(crate) available: Option<u64>,
}

/// The answer is not what RFC 4918 says.
#[derive(Debug)]
pub(crate) struct Malformed;

impl From<quick_xml::Error> for Malformed {
    fn from(_: quick_xml::Error) -> Self {
        Self
    }
}

/// Reads an answer.
pub(crate) fn parse(xml: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let xml = std::str::from_utf8(xml).map_err(|_| Malformed)?;
    let mut reader = NsReader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut parser = Parser::default();
    loop {
        let (namespace, event) = reader.read_resolved_event()?;
        let is_dav = namespace == ResolveResult::Bound(DAV);
        match event {
            Event::Start(tag) => parser.open(is_dav, tag.local_name().as_ref()),
            Event::Empty(tag) => {
                parser.open(is_dav, tag.local_name().as_ref());
                parser.close();
            }
            Event::End(_) => parser.close(),
            Event::Text(text) => parser.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => parser.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => parser.text.push(resolved(&reference)?),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
        }
    }
    match parser.is_multistatus && parser.open.is_empty() {
        true => Ok(parser.entries),
        false => Err(Malformed),
    }
}

/// The character that a reference stands for. There are no others than those that XML brings: a document's own could be
/// made to grow without end.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character);
    }
    match reference.xml_content(XmlVersion::Implicit1_0).as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Malformed),
    }
}

#[derive(Default)]
struct Parser {
    is_multistatus: bool,
    /// The elements that are open, those of other namespaces as nothing.
    open: Vec<Option<Element>>,
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Multistatus,
    Response,
    Href,
    Status,
    Propstat,
    Prop,
    ResourceType,
    Collection,
    Modified,
    Available,
}

impl Parser {
    fn open(&mut self, is_dav: bool, name: &str) {
        let element = is_dav.then(|| Element::named(name)).flatten();
        self.text.clear();
        self.open.push(element);
        match self.path() {
            [Some(Element::Multistatus)] => self.is_multistatus = true,
            [Some(Element::Multistatus), Some(Element::Response)] => self.entries.push(Entry::default()),
            _ => {}
        }
    }

    fn close(&mut self) {
        use Element as E;
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let path = std::mem::take(&mut self.open);
        if let ([Some(E::Multistatus), Some(E::Response), rest @ ..], Some(entry)) =
            (path.as_slice(), self.entries.last_mut())
        {
            match rest {
                [Some(E::Href)] => entry.name = last_name(text),
                [Some(E::Status)] => entry.is_missing = text.split(' ').nth(1) == Some("404"),
                [Some(E::Propstat), Some(E::Prop), property @ ..] => match property {
                    [Some(E::ResourceType), Some(E::Collection)] => entry.is_folder = true,
                    [Some(E::Modified)] => entry.modified = httpdate::parse_http_date(text).ok(),
                    [Some(E::Available)] => entry.available = text.parse().ok(),
                    _ => {}
                },
                _ => {}
            }
        }
        self.open = path;
        self.open.pop();
    }

    fn path(&self) -> &[Option<Element>] {
        &self.open
    }
}

impl Element {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "multistatus" => Self::Multistatus,
            "response" => Self::Response,
            "href" => Self::Href,
            "status" => Self::Status,
            "propstat" => Self::Propstat,
            "prop" => Self::Prop,
            "resourcetype" => Self::ResourceType,
            "collection" => Self::Collection,
            "getlastmodified" => Self::Modified,
            "quota-available-bytes" => Self::Available,
            _ => return None,
        })
    }
}

/// A reference is a whole URL or a path, encoded as the server likes.
fn last_name(href: &str) -> Option<String> {
    let name = href.trim_end_matches('/').rsplit('/').next()?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    (!name.is_empty() && !name.contains('/')).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_way_to_write_an_answer_is_read() {
        let xml = r#"<?xml version="1.0" encoding="utf-8"?>
            <x:multistatus xmlns:x="DAV:" xmlns:o="other:">
              <x:response>
                <x:href>http://host:80/dav/</x:href>
                <x:propstat><x:prop>
                  <x:resourcetype><x:collection xmlns:D="DAV:"/></x:resourcetype>
                  <x:quota-available-bytes>17</x:quota-available-bytes>
                </x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat>
              </x:response>
              <response xmlns="DAV:">
                <href><![CDATA[/dav/a%20b&]]>&amp;&#x2b;%c3%BC.pem</href>
                <propstat><prop>
                  <o:resourcetype><collection/></o:resourcetype>
                  <resourcetype/><getlastmodified>Thu, 01 Jan 1970 00:01:00 GMT</getlastmodified>
                </prop><status>HTTP/1.1 200 OK</status></propstat>
                <propstat><prop><getetag/></prop><status>HTTP/1.1 404 Not Found</status></propstat>
              </response>
              <x:response><x:href>/dav/gone</x:href><x:status>HTTP/1.1 404 Not Found</x:status></x:response>
            </x:multistatus>"#;
        let entry = |name: &str| Entry {
            name: Some(name.to_owned()),
            ..Entry::default()
        };
        let expected = [
            Entry {
                is_folder: true,
                available: Some(17),
                ..entry("dav")
            },
            Entry {
                modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60)),
                ..entry("a b&&+ü.pem")
            },
            Entry {
                is_missing: true,
                ..entry("gone")
            },
        ];
        assert_eq!(parse(xml.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for xml in [
            "",
            "<html><body>It works</body></html>",
            "<multistatus><response/></multistatus>",
            r#"<D:multistatus xmlns:D="DAV:"><D:response>"#,
            r#"<!DOCTYPE x [<!ENTITY a "b">]><D:multistatus xmlns:D="DAV:">&a;</D:multistatus>"#,
        ] {
            assert!(parse(xml.as_bytes()).is_err(), "{xml}");
        }
        assert!(parse(b"\xff\xfe<\0").is_err());
    }
}
