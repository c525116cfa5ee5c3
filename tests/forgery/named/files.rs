//! Forgeries of the bag, its manifests, its seal and its keys.

use affiant::base::hash::Hash;
use affiant::evidence::bundle::layout;
use affiant::evidence::bundle::seal::{BUNDLE_NAMESPACE, RECORD_NAMESPACE, Seal};

use super::super::Files;
use super::super::cases::{Hand, hidden};
use super::Forgery;
use super::scene::Scene;

const MANIFEST: &str = "manifest-sha256.txt";
const TAGS: &str = "tagmanifest-sha256.txt";
const METADATA: &str = "bag-info.txt";

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    [taken(scene), exchanged(scene), listed(scene), said(scene), added(scene), sealed(scene), keyed(scene)]
        .into_iter()
        .flatten()
        .collect()
}

/// Changes a file as a text.
pub(super) fn edited(files: &Files, name: &str, change: impl Fn(String) -> String) -> Files {
    let mut files = files.clone();
    let old = String::from_utf8(files[name].clone()).unwrap();
    let new = change(old.clone());
    assert_ne!(old, new, "{name}");
    files.insert(name.to_owned(), new.into_bytes());
    files
}

/// Exchanges a file.
pub(super) fn with(files: &Files, name: &str, bytes: &[u8]) -> Files {
    let mut files = files.clone();
    assert_ne!(files.insert(name.to_owned(), bytes.to_vec()).as_deref(), Some(bytes), "{name}");
    files
}

/// Takes a file away.
pub(super) fn without(files: &Files, name: &str) -> Files {
    let mut files = files.clone();
    assert!(files.remove(name).is_some(), "{name}");
    files
}

fn by(scene: &Scene, files: Files, hand: Hand) -> Files {
    hidden(files, hand, &scene.impostor, &scene.impostor_seed)
}

fn taken(scene: &Scene) -> Vec<Forgery> {
    let (honest, page) = (&scene.files, scene.name("data/content/", "000003-z/page.html"));
    let gone = |name: &'static str, file: &str, culprits: &[&str]| Forgery::new(name, without(honest, file), culprits);
    vec![
        gone("the manifest is deleted", MANIFEST, &[MANIFEST]),
        gone("the tag manifest is deleted", TAGS, &[TAGS]),
        gone("the seal is deleted", layout::SEAL, &[layout::SEAL]),
        gone("the bag's metadata are deleted", METADATA, &[METADATA]),
        gone("the checkpoint is deleted", layout::CHECKPOINT, &[layout::CHECKPOINT]),
        gone("the page is deleted", &page, &[&page]),
        Forgery::new(
            "the page is deleted, and the archive seals the rest",
            scene.resealed(without(honest, &page)),
            &[&page, &Hash::of(&honest[&page]).to_string()],
        ),
    ]
}

fn exchanged(scene: &Scene) -> Vec<Forgery> {
    let page = scene.name("data/content/", "000003-z/page.html");
    let changed = edited(&scene.files, &page, |text| text.replace("never", "surely"));
    let annex = edited(&scene.files, "contents.html", |text| text.replace("</h1>", ": every claim holds</h1>"));
    let hands = [
        ("a word of the page is changed", Hand::Plain, page.as_str()),
        ("a word is changed, and the bag made anew", Hand::Rebagged, layout::SEAL),
        ("a word is changed, and sealed with another key", Hand::OtherKey, layout::SEAL),
        ("a word is changed, sealed with a key that is brought along", Hand::OtherKeyBrought, "data/keys/archive.pem"),
    ];
    let mut forgeries: Vec<Forgery> = hands
        .iter()
        .map(|(name, hand, culprit)| Forgery::new(name, by(scene, changed.clone(), *hand), &[culprit]))
        .collect();
    forgeries.push(Forgery::new("a word is changed, and the archive seals it", scene.resealed(changed), &[&page]));
    forgeries.push(Forgery::new("an annex makes a claim", annex.clone(), &["contents.html"]));
    let claiming = by(scene, annex, Hand::Rebagged);
    forgeries.push(Forgery::new("an annex makes a claim, and the bag is made anew", claiming, &[layout::SEAL]));
    forgeries
}

/// Lines of manifests.
fn listed(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let first = String::from_utf8(honest[MANIFEST].clone()).unwrap().lines().next().unwrap().to_owned();
    let (hash, name) = first.split_once("  ").unwrap();
    let zeroed = format!("{}  {name}", "0".repeat(64));
    let line = |name: &'static str, new: String, culprits: &[&str]| {
        let forged = edited(honest, MANIFEST, |text| text.replacen(&format!("{first}\n"), &new, 1));
        Forgery::new(name, scene.retagged(forged), culprits)
    };
    vec![
        line("a hash is zeroed", format!("{zeroed}\n"), &[name]),
        line("a hash is in capitals", format!("{}  {name}\n", hash.to_uppercase()), &[MANIFEST, name]),
        line("a hash is cut short", format!("{}  {name}\n", &hash[..40]), &[MANIFEST, name]),
        line("a line ends as on Windows", format!("{first}\r\n"), &[MANIFEST, name]),
        line("a file is listed twice", format!("{first}\n{first}\n"), &[name]),
        line("a file is listed twice, with two hashes", format!("{first}\n{zeroed}\n"), &[name]),
        line("a file is not listed", String::new(), &[name]),
        line(
            "the manifest names what lies outside",
            format!("{first}\n{hash}  data/../../passwd\n"),
            &[MANIFEST, "passwd"],
        ),
        line("the manifest names an absolute path", format!("{first}\n{hash}  /etc/passwd\n"), &[MANIFEST, "passwd"]),
        line(
            "the manifest names itself by another path",
            format!("{first}\n{hash}  data/./log/checkpoint\n"),
            &[MANIFEST, "log/checkpoint"],
        ),
        line("the manifest has a line in binary mode", format!("{hash} *{name}\n"), &[MANIFEST, name]),
        line("the manifest has an escaped name", format!("\\{first}\n"), &[MANIFEST, name]),
        line("the manifest has a comment", format!("# nothing to see\n{first}\n"), &[MANIFEST]),
        line("the manifest begins with a byte order mark", format!("\u{feff}{first}\n"), &[MANIFEST, name]),
    ]
}

/// What the bag says of itself.
fn said(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let text = String::from_utf8(honest[METADATA].clone()).unwrap();
    let subjects: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("External-Identifier: ")).collect();
    let [capture, check, _] = subjects.as_slice() else { panic!("{subjects:?}") };
    let changed = |name: &'static str, old: &str, new: &str, culprits: &[&str]| {
        Forgery::new(name, scene.resealed(edited(honest, METADATA, |text| text.replacen(old, new, 1))), culprits)
    };
    let identifier = |id: &str| format!("External-Identifier: {id}\n");
    let twice = format!("{0}{0}", identifier(check));
    let folder = format!("data/entries/{}", check.to_lowercase());
    vec![
        changed("a format that nobody knows", "Bundle-Format: 2", "Bundle-Format: 3", &[METADATA]),
        changed("an annex in a bundle of format 1", "Bundle-Format: 2", "Bundle-Format: 1", &["contents.html"]),
        changed(
            "two formats",
            "Affiant-Bundle-Format: 2\n",
            "Affiant-Bundle-Format: 2\nAffiant-Bundle-Format: 1\n",
            &[METADATA],
        ),
        changed("a format with a space before it", "Bundle-Format: 2", "Bundle-Format:  2", &[METADATA]),
        changed("the id of another record", capture, "AF-C-000099-0", &["AF-C-000099", "000099"]),
        changed("an id in small letters", capture, &capture.to_lowercase(), &[&capture.to_lowercase(), METADATA]),
        changed(
            "an id with another check character",
            capture,
            &format!("{}x", &capture[..capture.len() - 1]),
            &[METADATA, &capture[..capture.len() - 1]],
        ),
        changed("a subject is named twice", &identifier(check), &twice, &[check]),
        changed("a subject is not named", &identifier(check), "", &[&folder, &check.to_lowercase()]),
        Forgery::new(
            "no subject is named",
            scene.resealed(edited(honest, METADATA, |text| {
                text.split_inclusive('\n').filter(|line| !line.starts_with("External")).collect()
            })),
            &[METADATA],
        ),
        Forgery::new(
            "an older version of BagIt",
            scene.resealed(edited(honest, "bagit.txt", |text| text.replace("1.0", "0.97"))),
            &["bagit.txt", "BagIt 0.97"],
        ),
        Forgery::new(
            "another encoding of the bag",
            scene.resealed(edited(honest, "bagit.txt", |text| text.replace("UTF-8", "UTF-16"))),
            &["bagit.txt"],
        ),
        Forgery::new(
            "another count of the payload",
            scene.retagged(edited(honest, METADATA, |text| text.replacen("Payload-Oxum: ", "Payload-Oxum: 1", 1))),
            &["Payload-Oxum"],
        ),
        changed(
            "one more id, of a record that is not there",
            &identifier(check),
            &format!("{}{}", identifier(check), identifier("AF-C-000099-9")),
            &["AF-C-000099-9"],
        ),
        Forgery::new(
            "metadata with other line ends",
            scene.retagged(edited(honest, METADATA, |text| text.replace('\n', "\r\n"))),
            &[METADATA],
        ),
    ]
}

/// Files that no bundle has, sealed by the archive.
fn added(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let page = scene.name("data/content/", "000003-z/page.html");
    let plain = with(honest, "data/content/note.txt", b"x");
    let mut forgeries = vec![Forgery::new("a file that nobody listed", plain, &["data/content/note.txt"])];
    let names = [
        ("a file that the archive lists, and no record names", page.replace("page.html", "page-2.html")),
        ("a name in letters that only look like others", page.replace("page", "p\u{430}ge")),
        ("a name that differs in its case", "data/log/Checkpoint".to_owned()),
        ("a name in another Unicode form", "data/content/cafe\u{301}.txt".to_owned()),
        ("a name that hides", "data/content/.hidden".to_owned()),
        ("a name with a space", "data/log/check point".to_owned()),
        ("a name with a line feed", "data/log/check\npoint".to_owned()),
        (
            "a folder within an entry",
            scene.name("data/entries/", "000003-z/record.cbor").replace("record.cbor", "old/record.cbor"),
        ),
        ("files that are fetched from elsewhere", "fetch.txt".to_owned()),
        ("a manifest of a weaker hash", "manifest-md5.txt".to_owned()),
        ("a tag manifest of another hash", "tagmanifest-sha512.txt".to_owned()),
        ("an annex where annexes do not lie", "data/verify.html".to_owned()),
        ("an exhibit that is no exhibit", "data/exhibits/a.html".to_owned()),
        ("an anchor without a checkpoint", "data/anchors/4/tsa.example-0f3a91c2d4e5b607.tsr".to_owned()),
    ];
    for (name, file) in names {
        forgeries.push(Forgery::new(
            name,
            scene.resealed(with(honest, &file, b"added\n")),
            &[&file, file.rsplit('/').next().unwrap(), &file.replace('\n', "\\n"), "check%0Apoint"],
        ));
    }
    forgeries
}

fn sealed(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let record = scene.name("data/entries/", "000003-z/record.cbor");
    let record_seal = format!("{record}.sig");
    let seed = super::super::seed(&scene.keys.statement);
    let other =
        |namespace: &str, message: &[u8]| Seal::sign(&seed, namespace, message).unwrap().to_armored().into_bytes();
    let seals: Vec<&String> =
        honest.keys().filter(|name| name.ends_with("record.cbor.sig") && **name != record_seal).collect();
    let armor = |change: &dyn Fn(String) -> String| edited(honest, layout::SEAL, change);
    vec![
        Forgery::new(
            "a seal for another purpose",
            with(honest, layout::SEAL, &other(RECORD_NAMESPACE, &honest[TAGS])),
            &[layout::SEAL],
        ),
        Forgery::new(
            "a seal over something else",
            with(honest, layout::SEAL, &other(BUNDLE_NAMESPACE, b"x")),
            &[layout::SEAL],
        ),
        Forgery::new("an older seal", with(honest, layout::SEAL, &scene.older[layout::SEAL]), &[layout::SEAL]),
        Forgery::new(
            "a seal with words before it",
            armor(&|text| format!("Sealed in good faith.\n{text}")),
            &[layout::SEAL],
        ),
        Forgery::new("a seal with words after it", armor(&|text| text + "Sealed in good faith.\n"), &[layout::SEAL]),
        Forgery::new("a seal with other line ends", armor(&|text| text.replace('\n', "\r\n")), &[layout::SEAL]),
        Forgery::new(
            "a transplanted seal of a record",
            scene.resealed(with(honest, &record_seal, &honest[seals[0]])),
            &[&record_seal],
        ),
        Forgery::new(
            "a record's seal for another purpose",
            scene.resealed(with(honest, &record_seal, &other(BUNDLE_NAMESPACE, &honest[&record]))),
            &[&record_seal],
        ),
        Forgery::new(
            "a seal for an entry that is no subject",
            scene.resealed(with(honest, &format!("{}.sig", scene.name("data/entries/", "000002-n/record.cbor")), b"x")),
            &["record.cbor.sig"],
        ),
    ]
}

fn keyed(scene: &Scene) -> Vec<Forgery> {
    let (honest, impostor) = (&scene.files, &scene.impostor);
    let mut forgeries: Vec<Forgery> = [
        ("another key for seals", "data/keys/archive.pem"),
        ("another key for ssh", "data/keys/archive.pub"),
        ("another allowed signer", "data/keys/allowed-signers"),
        ("another key of the log", "data/keys/log.pem"),
        ("another vkey of the log", "data/keys/log.vkey"),
        ("another post-quantum key", "data/keys/log-ml-dsa-44.vkey"),
    ]
    .into_iter()
    .map(|(name, file)| Forgery::new(name, scene.resealed(with(honest, file, &impostor[file])), &[file]))
    .collect();
    let signers = "data/keys/allowed-signers";
    let more = edited(honest, signers, |text| text + std::str::from_utf8(&impostor[signers]).unwrap());
    forgeries.push(Forgery::new("one more allowed signer", scene.resealed(more), &[signers]));
    let key = with(honest, "data/keys/other.pem", &impostor["data/keys/archive.pem"]);
    forgeries.push(Forgery::new("one more key", scene.resealed(key), &["data/keys/other.pem"]));
    forgeries
}
