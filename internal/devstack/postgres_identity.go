package devstack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// renewSystemIdentifier gives a copied cluster an identifier of its own, as initdb would have. Relay tells servers apart
// by it, so two clusters that share one are a restored backup, not two servers.
//
// It stands in two places: at the start of pg_control, under a checksum (struct ControlFileData in
// src/include/catalog/pg_control.h), and in the first page of each WAL segment, without one (XLogLongPageHeaderData
// in src/include/access/xlog_internal.h).
func renewSystemIdentifier(dataDir string) error {
	// As initdb does: seconds since 1970 in the upper half, something arbitrary in the lower.
	id := uint64(time.Now().Unix())<<32 | uint64(rand.Uint32())
	if err := identifyControlFile(filepath.Join(dataDir, "global", "pg_control"), id); err != nil {
		return err
	}
	segments, err := os.ReadDir(filepath.Join(dataDir, "pg_wal"))
	if err != nil {
		return fmt.Errorf("list WAL segments: %w", err)
	}
	segment := regexp.MustCompile(`^[0-9A-F]{24}$`)
	for _, s := range segments {
		if !segment.MatchString(s.Name()) {
			continue
		}
		if err := identifySegment(filepath.Join(dataDir, "pg_wal", s.Name()), id); err != nil {
			return err
		}
	}
	return nil
}

func identifyControlFile(path string, id uint64) error {
	control, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read pg_control: %w", err)
	}
	// The checksum is the struct's last field; where that is depends on the version, so look where it fits.
	sum := func(n int) uint32 { return crc32.Checksum(control[:n], crc32.MakeTable(crc32.Castagnoli)) }
	for n := 200; n+4 <= 512 && n+4 <= len(control); n += 4 {
		if binary.NativeEndian.Uint32(control[n:]) != sum(n) {
			continue
		}
		binary.NativeEndian.PutUint64(control, id)
		binary.NativeEndian.PutUint32(control[n:], sum(n))
		return writeOver(path, 0, control[:n+4])
	}
	return errors.New("find the checksum of pg_control: none fits")
}

// identifySegment writes xlp_sysid, which follows the 24 bytes of XLogPageHeaderData.
func identifySegment(path string, id uint64) error {
	const sysidOffset = 24
	return writeOver(path, sysidOffset, binary.NativeEndian.AppendUint64(nil, id))
}

// writeOver replaces bytes inside a file.
func writeOver(path string, offset int64, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, offset)
	return errors.Join(err, f.Close())
}
