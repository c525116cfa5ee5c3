// Interop checks Affiant's logs with the Go project's libraries, and makes what Affiant must be able to check.
//
//	interop folder FOLDER VKEYS [OLDER-CHECKPOINT]   the whole log, from the tiles as they lie
//	interop proof PROOF VKEYS ENTRY                  one tlog-proof; ENTRY is the entry in hex
//	interop make FOLDER                              a checkpoint, vkeys, a tlog-proof and its entry, all by Go
//
// It exits with 1 and says why when anything does not hold. All of VKEYS must have signed.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The height of C2SP tlog-tiles: 256 hashes a tile.
const height = 8

func main() {
	said, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func run(args []string) (string, error) {
	switch {
	case len(args) >= 3 && args[0] == "folder":
		return checkFolder(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "proof":
		return checkProof(args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "make":
		return makeLog(args[1])
	}
	return "", errors.New("wrong use")
}

func checkFolder(folder, vkeys string, older []string) (string, error) {
	tree, err := openCheckpoint(filepath.Join(folder, "checkpoint"), vkeys)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, tiles(folder))
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return "", err
	}
	if root != tree.Hash {
		return "", fmt.Errorf("root: the tiles give %v, the checkpoint says %v", root, tree.Hash)
	}
	entries, err := members(folder, "entries", tree.N)
	if err != nil {
		return "", err
	}
	statements, err := members(folder, "statements", tree.N)
	if err != nil {
		return "", err
	}
	for n := int64(0); n < tree.N; n++ {
		hash := sha256.Sum256(statements[n])
		if !bytes.Equal(entries[n], hash[:]) {
			return "", fmt.Errorf("statement %d does not hash to its entry", n)
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entries[n])); err != nil {
			return "", fmt.Errorf("inclusion of entry %d: %w", n, err)
		}
	}
	for n := int64(1); n <= tree.N; n++ {
		root, err := tlog.TreeHash(n, reader)
		if err != nil {
			return "", err
		}
		if err := checkGrowth(tree, tlog.Tree{N: n, Hash: root}, reader); err != nil {
			return "", err
		}
	}
	for _, path := range older {
		old, err := openCheckpoint(path, vkeys)
		if err != nil {
			return "", err
		}
		if err := checkGrowth(tree, old, reader); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d entries, %d older", tree.N, len(older)), nil
}

func checkGrowth(tree, old tlog.Tree, reader tlog.HashReader) error {
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return fmt.Errorf("consistency from %d: %w", old.N, err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("consistency from %d: %w", old.N, err)
	}
	return nil
}

func checkProof(path, vkeys, entry string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	leaf, err := hex.DecodeString(entry)
	if err != nil {
		return "", err
	}
	var proof fproof.TLogProof
	if err := proof.Unmarshal(text); err != nil {
		return "", err
	}
	tree, err := openNote(proof.Checkpoint, vkeys)
	if err != nil {
		return "", err
	}
	var hashes tlog.RecordProof
	for _, hash := range proof.Hashes {
		hashes = append(hashes, tlog.Hash(hash))
	}
	index := int64(proof.Index)
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return "", fmt.Errorf("inclusion of entry %d: %w", index, err)
	}
	return fmt.Sprintf("entry %d of %d", index, tree.N), nil
}

func openCheckpoint(path, vkeys string) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	return openNote(text, vkeys)
}

func openNote(text []byte, vkeys string) (tlog.Tree, error) {
	lines, err := os.ReadFile(vkeys)
	if err != nil {
		return tlog.Tree{}, err
	}
	var verifiers []note.Verifier
	for _, vkey := range strings.Fields(string(lines)) {
		verifier, err := note.NewVerifier(vkey)
		if err != nil { // Not Ed25519 over the text, so a cosignature.
			if verifier, err = fnote.NewVerifierForCosignatureV1(vkey); err != nil {
				return tlog.Tree{}, fmt.Errorf("vkey %q: %w", vkey, err)
			}
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("note: %w", err)
	}
	if len(opened.Sigs) != len(verifiers) {
		return tlog.Tree{}, fmt.Errorf("note: %d of %d keys signed", len(opened.Sigs), len(verifiers))
	}
	var checkpoint flog.Checkpoint
	rest, err := checkpoint.Unmarshal([]byte(opened.Text))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(rest) != 0 || checkpoint.Origin != verifiers[0].Name() || len(checkpoint.Hash) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("checkpoint %q is not what the first key signs", opened.Text)
	}
	return tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}, nil
}

// A tiles reads the tiles of a folder that is laid out as C2SP tlog-tiles.
type tiles string

func (folder tiles) Height() int { return height }

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		// C2SP leaves out the height, which is always 8.
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
		content, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

// Members reads what lies in bundles of 256 beside the tiles, each with its length in two bytes.
func members(folder, kind string, size int64) ([][]byte, error) {
	var read [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := int(min(size-first, 1<<height))
		path := tlog.Tile{H: height, L: -1, N: first >> height, W: width}.Path()
		path = "tile/" + kind + strings.TrimPrefix(path, fmt.Sprintf("tile/%d/data", height))
		content, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		for n := 0; n < width; n++ {
			if len(content) < 2 || len(content)-2 < int(binary.BigEndian.Uint16(content)) {
				return nil, fmt.Errorf("%s: too short", path)
			}
			length := int(binary.BigEndian.Uint16(content))
			read = append(read, content[2:2+length])
			content = content[2+length:]
		}
		if len(content) != 0 {
			return nil, fmt.Errorf("%s: too long", path)
		}
	}
	return read, nil
}

func makeLog(folder string) (string, error) {
	const size, index = 300, 256
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	entry := func(n int64) []byte {
		hash := sha256.Sum256(fmt.Appendf(nil, "record %d", n))
		return hash[:]
	}
	for n := int64(0); n < size; n++ {
		hashes, err := tlog.StoredHashes(n, entry(n), reader)
		if err != nil {
			return "", err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return "", err
	}
	path, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return "", err
	}
	checkpoint, vkeys, err := sign(flog.Checkpoint{Origin: "go.example/log", Size: size, Hash: root[:]})
	if err != nil {
		return "", err
	}
	proof := fproof.TLogProof{Index: index, Checkpoint: checkpoint}
	for _, hash := range path {
		proof.Hashes = append(proof.Hashes, hash)
	}
	for name, content := range map[string][]byte{
		"checkpoint":       checkpoint,
		"vkeys":            []byte(strings.Join(vkeys, "\n") + "\n"),
		"proof.tlog-proof": proof.Marshal(),
		"entry":            entry(index),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("entry %d of %d", index, size), nil
}

// Sign signs as a log with Ed25519 and ML-DSA-44, and as a witness with Ed25519 and ML-DSA-44.
func sign(checkpoint flog.Checkpoint) ([]byte, []string, error) {
	logSecret, logKey, err := note.GenerateKey(rand.Reader, checkpoint.Origin)
	if err != nil {
		return nil, nil, err
	}
	witnessSecret, plainKey, err := note.GenerateKey(rand.Reader, "witness.example/ed25519")
	if err != nil {
		return nil, nil, err
	}
	witnessKey, err := fnote.VKeyToCosignatureV1(plainKey)
	if err != nil {
		return nil, nil, err
	}
	logSecretToo, logKeyToo, err := fnote.GenerateMLDSAKey(checkpoint.Origin)
	if err != nil {
		return nil, nil, err
	}
	witnessSecretToo, witnessKeyToo, err := fnote.GenerateMLDSAKey("witness.example/ml-dsa-44")
	if err != nil {
		return nil, nil, err
	}
	signer, err := note.NewSigner(logSecret)
	if err != nil {
		return nil, nil, err
	}
	signers := []note.Signer{signer}
	for _, secret := range []string{logSecretToo, witnessSecret, witnessSecretToo} {
		signer, err := fnote.NewSignerForCosignatureV1(secret)
		if err != nil {
			return nil, nil, err
		}
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: string(checkpoint.Marshal())}, signers...)
	return signed, []string{logKey, logKeyToo, witnessKey, witnessKeyToo}, err
}
