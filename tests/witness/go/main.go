// A log and a check of logs that nobody here wrote: Tessera's POSIX storage, and its fsck.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: go key NAME | append FOLDER KEYFILE POLICY ENTRY... | fsck FOLDER VKEYFILE")
	}
	switch os.Args[1] {
	case "key":
		secret, public, err := note.GenerateKey(rand.Reader, os.Args[2])
		check(err)
		fmt.Printf("%s\n%s\n", secret, public)
	case "append":
		add(os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	case "fsck":
		examine(os.Args[2], os.Args[3])
	default:
		fail("no such act: " + os.Args[1])
	}
}

// Appends entries to a Tessera log on disk, and waits until a checkpoint that the policy's witnesses have signed is published.
func add(folder, keyFile, policyFile string, entries []string) {
	ctx := context.Background()
	key, err := os.ReadFile(keyFile)
	check(err)
	signer, err := note.NewSigner(string(key))
	check(err)
	policy, err := os.ReadFile(policyFile)
	check(err)
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	check(err)
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	check(err)
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(len(entries)), 100*time.Millisecond).
		WithCheckpointInterval(100*time.Millisecond).
		WithWitnesses(witnesses, &tessera.WitnessOptions{Timeout: 10 * time.Second})
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	check(err)
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	var futures []tessera.IndexFuture
	for _, entry := range entries {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry([]byte(entry))))
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, future := range futures {
		index, _, err := awaiter.Await(limited, future)
		check(err)
		fmt.Println(index.Index)
	}
	check(shutdown(ctx))
}

// Checks a whole log on disk.
func examine(folder, vkeyFile string) {
	vkey, err := os.ReadFile(vkeyFile)
	check(err)
	verifier, err := fnote.NewVerifier(string(vkey))
	check(err)
	hashes := func(bundle []byte) ([][]byte, error) {
		read := &api.EntryBundle{}
		if err := read.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		var leaves [][]byte
		for _, entry := range read.Entries {
			leaves = append(leaves, rfc6962.DefaultHasher.HashLeaf(entry))
		}
		return leaves, nil
	}
	whole := fsck.New(verifier.Name(), verifier, &client.FileFetcher{Root: folder}, hashes, fsck.Opts{N: 1})
	check(whole.Check(context.Background()))
	fmt.Println("clean")
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
