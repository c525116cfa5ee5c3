//! Times that are forged: authorities that may not say them, tokens over something else, roots of a borrowed name. The
//! verifier and the page come to the same, and neither takes a forged time for one.

use affiant::archivist::verify::verify_bundle;
use affiant::base::time::Time;
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Report, Trust};
use affiant::outside::clock;
use affiant::timestamp::authorities::Authorities;

use super::page::{Page, Reader, differences};
use super::yard::{PAGE, Yard};
use crate::authority::forge::{Forge, Hashing, Purpose};

/// Makes a reply for a checkpoint.
type Reply<'c> = Box<dyn Fn(&[u8]) -> Vec<u8> + 'c>;

/// A forgery: what it is, who dates, over what, whom the reader trusts, and what *not after* must come to.
struct Case<'c> {
    what: &'static str,
    reply: Reply<'c>,
    trusted: &'c Forge,
    outcome: Outcome,
}

fn soon() -> Time {
    Time::from_seconds(clock::now().seconds() + 60).unwrap()
}

fn not_after(report: &Report) -> (Outcome, String) {
    let found = report.findings.iter().find(|finding| finding.check == Check::NotAfter).unwrap();
    (found.outcome, format!("{} / {}", found.expected, found.found))
}

/// A token by an authority that the reader trusts.
fn case<'c>(
    what: &'static str,
    forge: &'c Forge,
    over: impl Fn(&[u8]) -> Vec<u8> + 'c,
    hashing: Hashing,
    outcome: Outcome,
) -> Case<'c> {
    Case {
        what,
        reply: Box::new(move |checkpoint| forge.over(&over(checkpoint), soon(), hashing)),
        trusted: forge,
        outcome,
    }
}

#[test]
fn times_from_elsewhere_are_judged_alike() {
    let good = Forge::new();
    let (leaf, stranger) = (Forge::through_a_leaf(), Forge::new());
    let wrong = [Purpose::None, Purpose::Another, Purpose::WithAnother, Purpose::NotCritical];
    let wrong = wrong.map(|purpose| Forge::with((2020, 2040), (2020, 2040), purpose));
    let (ended, young) = (
        Forge::with((2020, 2040), (2020, 2022), Purpose::TimeStamping),
        Forge::with((2039, 2040), (2020, 2040), Purpose::TimeStamping),
    );
    let same = |checkpoint: &[u8]| checkpoint.to_vec();
    let mut cases = vec![
        case("an honest token", &good, same, Hashing::Sha256, Outcome::Holds),
        case(
            "time from another checkpoint",
            &good,
            |_| b"another checkpoint".to_vec(),
            Hashing::Sha256,
            Outcome::Fails,
        ),
        case("an issuer without the CA flag", &leaf, same, Hashing::Sha256, Outcome::Fails),
        case("a certificate that had ended", &ended, same, Hashing::Sha256, Outcome::Fails),
        case("a root that was not yet valid", &young, same, Hashing::Sha256, Outcome::Fails),
        case("an imprint of SHA-1", &good, same, Hashing::Sha1Imprint, Outcome::NotShown),
        case("a signature over SHA-1", &good, same, Hashing::Sha1Signature, Outcome::NotShown),
    ];
    cases.extend(
        wrong
            .iter()
            .map(|forge| case("a certificate for something else", forge, same, Hashing::Sha256, Outcome::Fails)),
    );
    cases.push(Case {
        trusted: &stranger,
        ..case("a root of a borrowed name", &good, same, Hashing::Sha256, Outcome::NotShown)
    });
    let broken = |checkpoint: &[u8]| {
        let mut reply = good.over(checkpoint, soon(), Hashing::Sha256);
        *reply.last_mut().unwrap() ^= 1;
        reply
    };
    cases.push(Case {
        what: "a signature with a flipped bit",
        reply: Box::new(broken),
        trusted: &good,
        outcome: Outcome::Fails,
    });

    for Case { what, reply, trusted, outcome } in &cases {
        let yard = Yard::new();
        let id = yard.capture("a.html", PAGE);
        yard.date(reply);
        yard.capture("b.html", PAGE);
        let folder = tempfile::tempdir().unwrap();
        let zip = yard.bundle(folder.path().join("bundle.zip"), &[&id]);
        let policy = yard.policy();
        let mut authorities = Authorities::nobody();
        authorities.add_file(trusted.root()).unwrap();
        let trust = Trust { policy: Some(&policy), authorities: Some(&authorities), ..Trust::default() };
        let reports = verify_bundle(&zip, trust, clock::now()).unwrap();
        let (found, said) = not_after(&reports[0]);
        eprintln!("{what}: {} {said}", found.as_str());
        assert_eq!(found, *outcome, "{what}: {said}");
        let reader = Reader::new(&policy.encode(), &[trusted.root().to_vec()]);
        let Some(mut page) = Page::start(&reader) else { return };
        let bytes = std::fs::read(&zip).unwrap();
        assert_eq!(differences(&reports, &page.judge(&bytes)), Vec::<String>::new(), "{what}");
    }
}
