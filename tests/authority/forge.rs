//! An authority whose clock, certificate and algorithms are whatever a test wants: what `openssl ts` refuses to be.

use affiant::base::time::Time;
use affiant::outside::authority::AskError;
use affiant::timestamp::request::Request;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

const ROOT_NAME: &str = "Forge root";
const LEAF_NAME: &str = "Forge leaf";
const SERIAL: u8 = 7;

/// The years in which a certificate is valid, the first and the one after the last.
pub(crate) type Years = (i32, i32);

/// What the authority's certificate allows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    TimeStamping,
    NotCritical,
    WithAnother,
    Another,
    None,
}

/// What a token stands on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hashing {
    Sha256,
    /// The imprint is one of SHA-1.
    Sha1Imprint,
    /// The signature says that it is over SHA-1.
    Sha1Signature,
}

/// An authority.
pub(crate) struct Forge {
    root: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    key: EcdsaKeyPair,
    /// Who issued its certificate, and that one's own, where it is not the root.
    through: Option<(&'static str, Vec<u8>)>,
    /// A revocation list that its tokens bring.
    pub(crate) brings: Option<Vec<u8>>,
}

impl Forge {
    /// Makes an authority in good order.
    pub(crate) fn new() -> Self {
        Self::with((2020, 2040), (2020, 2040), Purpose::TimeStamping)
    }

    pub(crate) fn with(root_years: Years, years: Years, purpose: Purpose) -> Self {
        let root_key = KeyPair::generate().unwrap();
        let root = root_params(root_years);
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let issuer = Issuer::new(root, root_key);
        let (certificate, key) = authority(years, purpose, &issuer);
        Self { root: root_der, issuer, certificate, key, through: None, brings: None }
    }

    /// Makes an authority whose certificate was issued by one that may issue none, though the root issued that.
    pub(crate) fn through_a_leaf() -> Self {
        Self::new().through(IsCa::NoCa)
    }

    /// Makes another authority under the same root, whose certificate was issued by one with these constraints.
    pub(crate) fn through(&self, constraints: IsCa) -> Self {
        let leaf_key = KeyPair::generate().unwrap();
        let mut leaf = named(LEAF_NAME, (2020, 2040));
        leaf.is_ca = constraints;
        let between = leaf.signed_by(&leaf_key, &self.issuer).unwrap().der().to_vec();
        let (certificate, key) = authority((2020, 2040), Purpose::TimeStamping, &Issuer::new(leaf, leaf_key));
        let through = Some((LEAF_NAME, between));
        Self { root: self.root.clone(), issuer: self.copied_issuer(), certificate, key, through, brings: None }
    }

    /// Makes another authority under the same root, below one that may have no other below it, and has.
    pub(crate) fn through_two(&self) -> Self {
        let (upper_key, lower_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut upper = named("Forge upper", (2020, 2040));
        upper.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let upper_der = upper.signed_by(&upper_key, &self.issuer).unwrap().der().to_vec();
        let mut lower = named(LEAF_NAME, (2020, 2040));
        lower.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let lower_der = lower.signed_by(&lower_key, &Issuer::new(upper, upper_key)).unwrap().der().to_vec();
        let (certificate, key) = authority((2020, 2040), Purpose::TimeStamping, &Issuer::new(lower, lower_key));
        let through = Some((LEAF_NAME, [lower_der, upper_der].concat()));
        Self { root: self.root.clone(), issuer: self.copied_issuer(), certificate, key, through, brings: None }
    }

    /// Makes another authority right under the same root.
    pub(crate) fn under(&self, years: Years, purpose: Purpose) -> Self {
        let (certificate, key) = authority(years, purpose, &self.issuer);
        Self { root: self.root.clone(), issuer: self.copied_issuer(), certificate, key, through: None, brings: None }
    }

    /// The same issuer, from the key that the first was made with.
    fn copied_issuer(&self) -> Issuer<'static, KeyPair> {
        let key = KeyPair::try_from(self.issuer.key().serialize_der()).unwrap();
        Issuer::new(root_params((2020, 2040)), key)
    }

    /// Returns its root in DER.
    pub(crate) fn root(&self) -> &[u8] {
        &self.root
    }

    /// Takes the authority's certificate back at a time, and returns the list that says so.
    pub(crate) fn revoke(&self, at: Time, reason: Option<RevocationReason>) -> Vec<u8> {
        self.revoke_serial(SERIAL, at, reason)
    }

    pub(crate) fn revoke_serial(&self, serial: u8, at: Time, reason: Option<RevocationReason>) -> Vec<u8> {
        let day = at.day();
        let date = |year| rcgen::date_time_ymd(year, 1, 1);
        let month = u8::try_from(day.month).unwrap();
        let revoked = RevokedCertParams {
            serial_number: vec![serial].into(),
            revocation_time: rcgen::date_time_ymd(day.year, month, u8::try_from(day.day).unwrap()),
            reason_code: reason,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date(2026),
            next_update: date(2040),
            crl_number: vec![1].into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    /// Returns a reply over some bytes.
    pub(crate) fn over(&self, bytes: &[u8], time: Time, hashing: Hashing) -> Vec<u8> {
        let imprint = affiant::timestamp::algorithm::Digest::Sha256.hash(bytes);
        self.reply(&imprint, None, time, hashing)
    }

    fn reply(&self, imprint: &[u8], nonce: Option<&[u8]>, time: Time, hashing: Hashing) -> Vec<u8> {
        let digest = |is_sha1: bool| all(0x30, &[tlv(0x06, if is_sha1 { SHA_1 } else { SHA_256 })]);
        let pkcs_9 = |rest: &[u8]| tlv(0x06, &[PKCS_9, rest].concat());
        let imprint_digest = match imprint.len() {
            64 => all(0x30, &[tlv(0x06, SHA_512)]),
            _ => digest(hashing == Hashing::Sha1Imprint),
        };
        let imprint = if hashing == Hashing::Sha1Imprint { &imprint[..20] } else { imprint };
        let mut content = vec![
            tlv(0x02, &[1]),
            tlv(0x06, &[0x2a, 3, 4]),
            all(0x30, &[imprint_digest, tlv(0x04, imprint)]),
            tlv(0x02, &[1]),
            tlv(0x18, &generalized(time)),
            all(0x30, &[tlv(0x02, &[1])]),
        ];
        content.extend(nonce.map(|nonce| tlv(0x02, nonce)));
        let content = all(0x30, &content);
        let hash = |bytes: &[u8]| tlv(0x04, affiant::base::hash::Hash::of(bytes).as_bytes());
        let certificate_hash = (0..3).fold(hash(&self.certificate), |inner, _| all(0x30, &[inner]));
        let attribute = |oid: &[u8], value: Vec<u8>| all(0x30, &[pkcs_9(oid), all(0x31, &[value])]);
        let mut attributes = vec![
            attribute(&[3], pkcs_9(&[16, 1, 4])),
            attribute(&[4], hash(&content)),
            attribute(&[16, 2, 47], certificate_hash),
        ];
        attributes.sort();
        let signature = self.key.sign(&SystemRandom::new(), &all(0x31, &attributes)).unwrap();
        let (issuer_name, between) =
            self.through.as_ref().map_or((ROOT_NAME, &[][..]), |(name, bytes)| (*name, bytes.as_slice()));
        let common_name = all(0x30, &[tlv(0x06, &[0x55, 4, 3]), tlv(0x0c, issuer_name.as_bytes())]);
        let name = all(0x30, &[all(0x31, &[common_name])]);
        let scheme: &[u8] = if hashing == Hashing::Sha1Signature { &[1] } else { &[3, 2] };
        let scheme = tlv(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4], scheme].concat());
        let signer = [
            tlv(0x02, &[1]),
            all(0x30, &[name, tlv(0x02, &[SERIAL])]),
            digest(hashing == Hashing::Sha1Signature),
            all(0xa0, &attributes),
            all(0x30, &[scheme]),
            tlv(0x04, signature.as_ref()),
        ];
        let mut signed = vec![
            tlv(0x02, &[3]),
            all(0x31, &[digest(false)]),
            all(0x30, &[pkcs_9(&[16, 1, 4]), all(0xa0, &[tlv(0x04, &content)])]),
            tlv(0xa0, &[self.certificate.as_slice(), between].concat()),
        ];
        signed.extend(self.brings.iter().map(|list| tlv(0xa1, list)));
        signed.push(all(0x31, &[all(0x30, &signer)]));
        let signed_type = tlv(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
        let token = all(0x30, &[signed_type, all(0xa0, &[all(0x30, &signed)])]);
        all(0x30, &[all(0x30, &[tlv(0x02, &[0])]), token])
    }
}

/// An authority that a test asks without a network, at a time that the test says.
pub(crate) struct Simulated<'f> {
    pub(crate) forge: &'f Forge,
    pub(crate) time: Time,
    /// Whether it answers.
    pub(crate) is_up: bool,
    /// How often it was asked.
    pub(crate) asked: std::cell::Cell<usize>,
}

impl affiant::archivist::timestamp::Ask for Simulated<'_> {
    fn ask(&self, _url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
        self.asked.set(self.asked.get() + 1);
        if !self.is_up {
            return Err(AskError::Status { status: 503 });
        }
        let request = Request::parse(request).unwrap();
        Ok(self.forge.reply(&request.imprint, request.nonce.as_deref(), self.time, Hashing::Sha256))
    }
}

const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
const SHA_1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
const PKCS_9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9];

fn root_params(years: Years) -> CertificateParams {
    let mut root = named(ROOT_NAME, years);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    root
}

/// Makes an authority's certificate and key.
fn authority(years: Years, purpose: Purpose, issuer: &Issuer<'_, KeyPair>) -> (Vec<u8>, EcdsaKeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = named("Forge authority", years);
    params.serial_number = Some(vec![SERIAL].into());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.custom_extensions.extend(extension(purpose));
    (params.signed_by(&key, issuer).unwrap().der().to_vec(), signing(&key))
}

fn signing(key: &KeyPair) -> EcdsaKeyPair {
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    EcdsaKeyPair::from_pkcs8(algorithm, &key.serialize_der(), &SystemRandom::new()).unwrap()
}

fn named(name: &str, (first, last): Years) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(first, 1, 1);
    params.not_after = rcgen::date_time_ymd(last, 1, 1);
    params
}

fn extension(purpose: Purpose) -> Option<CustomExtension> {
    let oid = |last: u8| tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 3, last]);
    let (purposes, is_critical) = match purpose {
        Purpose::TimeStamping => (vec![oid(8)], true),
        Purpose::NotCritical => (vec![oid(8)], false),
        Purpose::WithAnother => (vec![oid(8), oid(3)], true),
        Purpose::Another => (vec![oid(3)], true),
        Purpose::None => return None,
    };
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 37], all(0x30, &purposes));
    extension.set_criticality(is_critical);
    Some(extension)
}

fn generalized(time: Time) -> Vec<u8> {
    let text = time.to_second().to_string();
    text.bytes().filter(|byte| byte.is_ascii_digit() || *byte == b'Z').collect()
}

/// Writes an element.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    if length < 128 {
        bytes.push(u8::try_from(length).unwrap());
    } else if length < 256 {
        bytes.extend([0x81, u8::try_from(length).unwrap()]);
    } else {
        bytes.push(0x82);
        bytes.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Writes an element over its parts.
fn all(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}
