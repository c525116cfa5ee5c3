//! Endorsements: `openssl cms` makes them, and agrees on those that hold and those that are forged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use affiant::archivist::endorse::{EndorseError, endorse, wording};
use affiant::archivist::read::Log;
use affiant::archivist::verify::verify_bundle;
use affiant::base::time::Time;
use affiant::evidence::endorsement::{Endorsement, EndorsementBytes, EndorsementError};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Report, Trust, Verdict, Vouching};
use affiant::timestamp::authorities::Authorities;
use affiant::timestamp::certificate::Purpose;
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::forgery::unzip;
use crate::interop::has;
use crate::keys::House;

/// When the reader reads. What `openssl` signs bears the time of the machine, which is before.
fn now() -> Time {
    "2035-06-01T00:00:00Z".parse().unwrap()
}

fn openssl(folder: &Path, words: &[&str]) -> (bool, String) {
    let run = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
    (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
}

/// An organisation with a root of its own, in a folder.
pub(crate) struct Organisation {
    folder: tempfile::TempDir,
    root: Vec<u8>,
}

/// `serverAuth` and `emailProtection` behind `id-kp`.
const SERVERS: u8 = 1;
pub(crate) const E_MAIL: u8 = 4;

impl Organisation {
    /// A certificate of ECDSA, through another between it and the root, that is valid in these years.
    pub(crate) fn new(years: (i32, i32), purpose: u8) -> Self {
        let named = |name: &str, (first, last): (i32, i32), is_authority: bool| {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_before = rcgen::date_time_ymd(first, 1, 1);
            params.not_after = rcgen::date_time_ymd(last, 1, 1);
            if is_authority {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            }
            params
        };
        let (root_key, between_key, key) =
            (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = named("Some root", (2020, 2050), true);
        let root_certificate = root.self_signed(&root_key).unwrap();
        let between = named("Some issuer", (2020, 2050), true);
        let root_issuer = Issuer::new(root, root_key);
        let between_certificate = between.signed_by(&between_key, &root_issuer).unwrap();
        let mut params = named("Example Inc.", years, false);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, purpose];
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], usage.to_vec())];
        let certificate = params.signed_by(&key, &Issuer::new(between, between_key)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write("root.pem", root_certificate.pem());
        write("chain.pem", between_certificate.pem());
        write("signer.pem", certificate.pem());
        write("signer.key", key.serialize_pem());
        Self { folder, root: root_certificate.pem().into_bytes() }
    }

    /// One whose certificate is of RSA, and its own root.
    fn of_rsa() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = "req -x509 -newkey rsa:2048 -nodes -days 4000 -keyout signer.key -out signer.pem -subj";
        let words: Vec<&str> = make.split(' ').chain(["/O=Example Inc."]).collect();
        let (is_made, said) = openssl(folder.path(), &words);
        assert!(is_made, "{said}");
        fs::copy(folder.path().join("signer.pem"), folder.path().join("root.pem")).unwrap();
        let root = fs::read(folder.path().join("root.pem")).unwrap();
        Self { folder, root }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Signs a text, and returns the signature.
    pub(crate) fn sign(&self, text: &[u8], words: &[&str]) -> Vec<u8> {
        fs::write(self.path("keys.txt"), text).unwrap();
        let always = "cms -sign -in keys.txt -signer signer.pem -inkey signer.key -out keys.cms";
        let chain = if self.path("chain.pem").exists() { &["-certfile", "chain.pem"][..] } else { &[] };
        let format = if words.contains(&"PEM") { &[][..] } else { &["-outform", "DER"] };
        let words = [&always.split(' ').collect::<Vec<_>>()[..], chain, format, words].concat();
        let (is_signed, said) = openssl(self.folder.path(), &words);
        assert!(is_signed, "{said}");
        fs::read(self.path("keys.cms")).unwrap()
    }

    /// Asks openssl whether a signature holds for who trusts the root, at the time of the machine.
    fn openssl_verifies(&self, bytes: &EndorsementBytes) -> (bool, String) {
        fs::write(self.path("judged.cms"), &bytes.cms).unwrap();
        let always = "cms -verify -binary -inform DER -in judged.cms -CAfile root.pem -purpose any";
        let mut words: Vec<&str> = always.split(' ').collect();
        if let Some(text) = &bytes.beside {
            fs::write(self.path("judged.txt"), text).unwrap();
            words.extend(["-content", "judged.txt"]);
        }
        openssl(self.folder.path(), &words)
    }

    fn trusted(&self) -> Authorities {
        let mut roots = Authorities::none_for(Purpose::Documents);
        roots.add_file(&self.root).unwrap();
        roots
    }

    /// Lets the archive's reader trust the root.
    fn introduce(&self, house: &House) {
        let folder = house.places().keys.join("organisations");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("root.pem"), &self.root).unwrap();
    }
}

/// What the organisation is asked to sign.
fn text(house: &House) -> Vec<u8> {
    wording(&Log::published(&house.archive()).unwrap().0).unwrap().encode().into_bytes()
}

fn report(house: &House, bundle: &Path, organisations: &Authorities, now: Time) -> Report {
    let policy = house.policy();
    let trust = Trust { policy: Some(&policy), organisations: Some(organisations), ..Trust::default() };
    verify_bundle(bundle, trust, now).unwrap().remove(0)
}

/// Judges an endorsement as a reader who holds it.
fn judged(house: &House, organisation: &Organisation, bytes: &EndorsementBytes, now: Time) -> Vouching {
    let (policy, trusted) = (house.policy(), organisation.trusted());
    let endorsements = std::slice::from_ref(bytes);
    let trust = Trust { policy: Some(&policy), organisations: Some(&trusted), endorsements, ..Trust::default() };
    let bundle = house.bundle(1);
    let report = verify_bundle(&bundle, trust, now).unwrap().remove(0);
    fs::remove_file(bundle).unwrap();
    assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "an endorsement changes no verdict");
    report.vouchings.into_iter().next().unwrap()
}

#[test]
fn an_organisations_word_travels_and_is_shown_to_who_trusts_its_root() {
    if !has("openssl") {
        return;
    }
    let house = House::new();
    house.add("https://a.example/");
    let plain = report(&house, &house.bundle(1), &Authorities::none_for(Purpose::Documents), now());
    assert!(plain.vouchings.is_empty() && plain.to_json().get("vouchings").is_none());
    let (ecdsa, rsa) = (Organisation::new((2020, 2040), E_MAIL), Organisation::of_rsa());
    let text = text(&house);
    let pss = ["-nodetach", "-binary", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"];
    let cases: [(&str, &Organisation, &[&str]); 7] = [
        ("inside", &ecdsa, &["-binary", "-nodetach"]),
        ("inside, ends of lines changed", &ecdsa, &["-nodetach"]),
        ("beside", &ecdsa, &["-binary"]),
        ("beside, ends of lines changed", &rsa, &[]),
        ("PEM", &ecdsa, &["-binary", "-nodetach", "-outform", "PEM"]),
        ("CAdES, key id", &rsa, &["-binary", "-nodetach", "-cades", "-keyid"]),
        ("RSA-PSS", &rsa, &pss),
    ];
    for (number, (name, organisation, words)) in cases.into_iter().enumerate() {
        organisation.introduce(&house);
        let file = organisation.sign(&text, words);
        let beside = (!words.contains(&"-nodetach")).then_some(text.as_slice());
        let (kept, judged) = endorse(&house.places(), &file, beside, now()).unwrap();
        assert_eq!(judged.outcome, Outcome::Holds, "{name}: {judged:?}");
        assert_eq!((judged.by.as_str(), kept.beside.is_some()), ("Example Inc.", beside.is_some()), "{name}");
        assert!(kept.name.starts_with("example-inc-"), "{}", kept.name);
        let (agrees, said) = organisation.openssl_verifies(&kept);
        assert!(agrees, "{name}: {said}");

        // The bundle brings it, and the commands of its page do what they say.
        let size = house.add(&format!("https://{number}.example/"));
        let bundle = house.bundle(1);
        let found = report(&house, &bundle, &organisation.trusted(), now());
        assert_eq!(found.verdict, Verdict::VerifiedWithGaps, "{name}");
        let vouchings = &found.vouchings;
        assert_eq!(vouchings.len(), 1, "{name} at {size}: {vouchings:?}");
        assert_eq!((vouchings[0].outcome, vouchings[0].found.as_str()), (Outcome::Holds, judged.found.as_str()));
        assert!(vouchings[0].relies_on.contains("which you trust to say who `Example Inc.` is"), "{vouchings:?}");
        let nobody = report(&house, &bundle, &Authorities::none_for(Purpose::Documents), now());
        assert_eq!((nobody.verdict, nobody.vouchings[0].outcome), (found.verdict, Outcome::NotShown), "{name}");
        assert!(nobody.vouchings[0].found.starts_with("chain unknown here"), "{:?}", nobody.vouchings);
        try_the_page(&house, &bundle, organisation, name);
        fs::remove_file(bundle).unwrap();
        fs::remove_dir_all(house.places().keys.join("endorsements")).unwrap();
    }
}

/// Types what `VERIFY.md` says about who vouches, and runs the script.
fn try_the_page(house: &House, bundle: &Path, organisation: &Organisation, name: &str) {
    let files = unzip(bundle);
    let folder = tempfile::tempdir().unwrap();
    crate::folder::put(&folder.path().join("bundle"), &files);
    let unpacked = folder.path().join("bundle");
    fs::create_dir(folder.path().join("check")).unwrap();
    let page = fs::read_to_string(unpacked.join("VERIFY.md")).unwrap();
    let (_, step) = page.split_once("Who vouches for the log's keys\n").unwrap();
    let (_, commands) = step.split_once("```sh\n").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    assert_eq!(commands.lines().count(), 3, "{name}: {commands}");
    let root = organisation.path("root.pem").display().to_string();
    for command in commands.replace("ORGANISATION.pem", &root).lines() {
        let run = Command::new("sh").args(["-c", command]).current_dir(&unpacked).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{name}: {command}\n{}", String::from_utf8_lossy(&run.stderr));
        assert!(
            command.contains("-verify") || said.contains("keys.example/log+") || said.contains("UTCTIME"),
            "{said}"
        );
    }
    let vkey = house.policy().logs()[0].key.to_string();
    let trusted = tempfile::NamedTempFile::new().unwrap();
    fs::write(trusted.path(), vkey + "\n").unwrap();
    let script = ["verify.sh", "--trust", trusted.path().to_str().unwrap()];
    let run = Command::new("sh").args(script).current_dir(&unpacked).output().unwrap();
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stdout));
}

#[test]
fn each_forged_part_is_named_and_openssl_agrees() {
    if !has("openssl") {
        return;
    }
    let (house, other) = (House::new(), House::new());
    house.add("https://a.example/");
    let organisation = Organisation::new((2020, 2040), E_MAIL);
    let inside = ["-binary", "-nodetach"];
    let text = text(&house);
    let import = |cms: &[u8]| Endorsement::import(cms, None);
    let good = import(&organisation.sign(&text, &inside)).unwrap();
    assert_eq!(judged(&house, &organisation, &good, now()).outcome, Outcome::Holds);
    let expect = |what: &str, bytes: &EndorsementBytes, by: &Organisation, outcome: Outcome, words: &str| {
        let found = judged(&house, by, bytes, now());
        eprintln!("{what}: {} {}", found.outcome.as_str(), found.found);
        assert!(found.outcome == outcome && found.found.contains(words), "{what}: {found:?}");
        by.openssl_verifies(bytes).0
    };

    // Somebody else's keys, under the same name and under their own.
    let others = organisation.sign(&self::text(&other), &inside);
    assert!(expect("other keys", &import(&others).unwrap(), &organisation, Outcome::Fails, "which are not this log's"));
    let renamed = String::from_utf8(text.clone()).unwrap().replace("keys.example/log", "evil.example/log");
    assert!(import(&organisation.sign(renamed.as_bytes(), &inside)).is_err(), "key ids are over the name too");
    let bundle = house.bundle(1);
    let refused = endorse(&house.places(), &others, None, now());
    assert!(matches!(refused, Err(EndorseError::Refused { .. })), "{refused:?}");
    assert!(house.keyring().endorsements().unwrap().is_empty(), "what is refused is not kept");
    fs::remove_file(bundle).unwrap();

    // Bytes changed afterwards: of the signature, of what is signed, and of the attributes.
    let changed = |from: &[u8], to: &[u8]| {
        let at = good.cms.windows(from.len()).rposition(|window| window == from).unwrap();
        let mut cms = good.cms.clone();
        cms.splice(at..at + from.len(), to.iter().copied());
        EndorsementBytes { cms, ..good.clone() }
    };
    let mut signature = good.clone();
    *signature.cms.last_mut().unwrap() ^= 1;
    assert!(!expect("the signature", &signature, &organisation, Outcome::Fails, "the signature is bad"));
    let key = |number: usize| String::from_utf8(text.clone()).unwrap().lines().nth(number).unwrap().to_owned();
    let without = String::from_utf8(text.clone()).unwrap().replace(&(key(3) + "\n"), "");
    assert!(Endorsement::import(&organisation.sign(&text, &["-binary"]), Some(without.as_bytes())).is_ok());
    let detached = organisation.sign(&text, &["-binary"]);
    let other_text = EndorsementBytes { name: "x".to_owned(), cms: detached, beside: Some(without.into_bytes()) };
    assert!(!expect("the text", &other_text, &organisation, Outcome::Fails, "over other content"));
    let year = changed(b"\x17\x0d2", b"\x17\x0d1"); // Signed in 201x, says the attribute.
    assert!(!expect("the time", &year, &organisation, Outcome::Fails, "the signature is bad"));

    // Another type of content; no attributes; a hash that is broken.
    let typed = organisation.sign(&text, &["-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4"]);
    assert!(matches!(import(&typed), Err(EndorsementError::Signed(_))), "{:?}", import(&typed));
    let bytes = EndorsementBytes { name: "typed".to_owned(), cms: typed, beside: None };
    assert!(expect("the type", &bytes, &organisation, Outcome::Fails, "1.2.840.113549.1.9.16.1.4, where"));
    let bare = organisation.sign(&text, &["-binary", "-nodetach", "-noattr"]);
    let bytes = EndorsementBytes { name: "bare".to_owned(), cms: bare, beside: None };
    assert!(expect("no attributes", &bytes, &organisation, Outcome::Fails, "signs no attributes"));
    let broken = import(&organisation.sign(&text, &["-binary", "-nodetach", "-md", "sha1"])).unwrap();
    expect("SHA-1", &broken, &organisation, Outcome::NotShown, "SHA-1 is broken");

    // A certificate for servers; one that had ended; one that has ended since; a root of the same name.
    let servers = Organisation::new((2020, 2040), SERVERS);
    let signed = import(&servers.sign(&text, &inside)).unwrap();
    expect("for servers", &signed, &servers, Outcome::Fails, "may not sign documents");
    let ended = Organisation::new((2020, 2024), E_MAIL);
    let signed = import(&ended.sign(&text, &inside)).unwrap();
    assert!(!expect("ended before", &signed, &ended, Outcome::Fails, "ended at 2024-01-01"));
    let ends = Organisation::new((2020, 2034), E_MAIL);
    let signed = import(&ends.sign(&text, &inside)).unwrap();
    assert!(expect("ended since", &signed, &ends, Outcome::NotShown, "nobody else says when"), "it holds today");
    let twin = Organisation::new((2020, 2040), E_MAIL);
    let signed = import(&twin.sign(&text, &inside)).unwrap();
    let mixed = Organisation { root: organisation.root.clone(), ..twin };
    fs::write(mixed.path("root.pem"), &mixed.root).unwrap();
    assert!(!expect("another root", &signed, &mixed, Outcome::NotShown, "bears a name that you trust"));
    let early = judged(&house, &organisation, &good, "2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(early.expected, "a time of signing that has come");
}

#[test]
fn a_changed_endorsement_in_a_bundle_is_a_changed_file() {
    if !has("openssl") {
        return;
    }
    let house = House::new();
    house.add("https://a.example/");
    let organisation = Organisation::of_rsa();
    organisation.introduce(&house);
    let cms = organisation.sign(&text(&house), &["-binary", "-nodetach"]);
    endorse(&house.places(), &cms, None, now()).unwrap();
    let files = unzip(&house.bundle(1));
    let name = files.keys().find(|name| name.starts_with("data/endorsements/")).unwrap().clone();
    for (what, verdict) in
        [("changed", Verdict::Failed), ("taken away", Verdict::CannotTell), ("added", Verdict::Failed)]
    {
        let mut files = files.clone();
        match what {
            "changed" => *files.get_mut(&name).unwrap().last_mut().unwrap() ^= 1,
            "taken away" => drop(files.remove(&name)),
            _ => drop(files.insert("data/endorsements/other.cms".to_owned(), b"0".to_vec())),
        }
        let folder = tempfile::tempdir().unwrap();
        crate::folder::put(folder.path(), &files);
        assert_eq!(report(&house, folder.path(), &organisation.trusted(), now()).verdict, verdict, "{what}");
    }
}

#[test]
fn it_vouches_on_when_the_key_hands_over_and_not_for_who_takes_it_along() {
    if !has("openssl") {
        return;
    }
    let house = House::new();
    house.add("https://a.example/");
    let organisation = Organisation::new((2020, 2040), E_MAIL);
    organisation.introduce(&house);
    let cms = organisation.sign(&text(&house), &["-binary", "-nodetach"]);
    endorse(&house.places(), &cms, None, now()).unwrap();
    let at = house.rotate(affiant::archivist::keys::Which::Log);
    house.change(&affiant::archivist::keys::KeyOrder::Retire).unwrap();
    house.add("https://b.example/");
    let found = report(&house, &house.bundle(1), &organisation.trusted(), now()).vouchings.remove(0);
    let handed = format!("which handed over in entry {at}");
    assert!(found.outcome == Outcome::Holds && found.found.contains(&handed), "{found:?}");

    // A liar's archive of the same name brings the honest archive's endorsement along.
    let liar = House::new();
    liar.add("https://a.example/");
    let honest = house.keyring().endorsements().unwrap().remove(0);
    liar.keyring().keep_endorsement(&honest).unwrap();
    let found = report(&liar, &liar.bundle(1), &organisation.trusted(), now()).vouchings.remove(0);
    assert!(found.outcome == Outcome::Fails && found.found.contains("not this log's"), "{found:?}");
}
