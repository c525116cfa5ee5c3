//! Forgeries of what is withheld, sealed by the archive.

use super::Forgery;
use super::files::{edited, with, without};
use super::scene::Scene;

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let [text, lines, said] = [
        scene.name("data/content/", "text-withheld.md"),
        scene.name("data/content/", "text-parts.txt"),
        scene.name("data/withheld/", ".txt"),
    ];
    let capture = said.trim_start_matches("data/withheld/").trim_end_matches(".txt").to_owned();
    let printed = format!("{}{}", capture[..capture.len() - 1].to_uppercase(), &capture[capture.len() - 1..]);
    let culprits = [text.as_str(), &lines, &said, &capture, &printed];
    let changed = |name: &'static str, file: &str, change: &dyn Fn(String) -> String| {
        Forgery::new(name, scene.resealed(edited(honest, file, change)), &culprits)
    };
    let quote = honest.keys().find(|name| name.contains("-p-")).unwrap().split('/').nth(2).unwrap().to_owned();
    let for_quote = format!("data/withheld/{quote}.txt");
    let swapped = |text: String| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(0, 1);
        lines.join("\n") + "\n"
    };
    let page = format!("data/content/{capture}/page.html");
    vec![
        changed("another word in a text that is shown in part", &text, &|text| {
            text.replacen("everybody", "nobody at", 1)
        }),
        changed("a word in the black", &text, &|text| text.replacen("#####", "sworn", 1)),
        changed("a text that is longer than it was", &text, &|text| text + "#"),
        changed("black where nothing is withheld", &text, &|text| text.replacen("Paragraph 1", "###########", 1)),
        changed("two salts swapped", &lines, &swapped),
        changed("a commitment instead of a salt", &lines, &|text| text.replacen("shown", "withheld", 1)),
        changed("a salt instead of a commitment", &lines, &|text| text.replacen("withheld", "shown", 1)),
        changed("a salt too few", &lines, &|text| text.split_once('\n').unwrap().1.to_owned()),
        changed("a salt in capitals", &lines, &|text| text.replacen('a', "A", 1)),
        changed("other bytes withheld than are black", &said, &|text| {
            text.rsplit_once(' ').unwrap().0.to_owned() + " 9999\n"
        }),
        changed("more withheld than is black", &said, &|text| {
            text.clone() + &text.lines().last().unwrap().replace(" 640 ", " 1400 ").replace("1280", "1500") + "\n"
        }),
        changed("another version of what is withheld", &said, &|text| text.replacen("withheld 1", "withheld 2", 1)),
        changed("no reason for what is withheld", &said, &|text| text.replacen("reason protective order\n", "", 1)),
        changed("an empty reason for what is withheld", &said, &|text| {
            text.replacen("reason protective order\n", "reason \n", 1)
        }),
        changed("a file of another record withheld", &said, &|text| {
            let line = text.lines().find(|line| line.starts_with("file ")).unwrap().to_owned();
            text.replacen(&line, &format!("file {}", "0".repeat(64)), 1)
        }),
        changed("a file withheld twice", &said, &|text| {
            let line = text.lines().find(|line| line.starts_with("file ")).unwrap().to_owned();
            text.replacen(&line, &format!("{line}\n{line}"), 1)
        }),
        changed("nothing withheld, and said so", &said, &|text| text.split_inclusive('\n').take(3).collect()),
        Forgery::new(
            "what is withheld is not said",
            scene.resealed(without(honest, &said)),
            &[&culprits[..], &["page.html"]].concat(),
        ),
        Forgery::new("a text that is shown in part is gone", scene.resealed(without(honest, &text)), &culprits),
        Forgery::new("the salts are gone", scene.resealed(without(honest, &lines)), &culprits),
        Forgery::new("what is withheld is there", scene.resealed(with(honest, &page, b"<!doctype html>")), &[&page]),
        Forgery::new(
            "a provision is withheld",
            scene.resealed(with(honest, &for_quote, &honest[&said])),
            &[&for_quote],
        ),
    ]
}
