package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRecord(t *testing.T) {
	line := strings.Join([]string{
		"CreateTime:1795509639104", "Partition:5", "Offset:42",
		"id:01a20cb6-d7c1-7028-9798-8897f057b5ac,type:OrderPlaced,relay-tx:751,relay-seq:shop/1795509637653/8",
		"order-8", `{"sku": "sku-1"}`,
	}, "\t")
	got, err := parseRecord(line)
	want := record{
		partition: 5, offset: 42, committed: time.UnixMilli(1795509639104),
		id: "01a20cb6-d7c1-7028-9798-8897f057b5ac", seq: 8, key: "order-8", payload: `{"sku": "sku-1"}`,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	for _, broken := range []string{
		"", "a warning of the consumer's",
		strings.Replace(line, "CreateTime", "NoTimestampType", 1),
		strings.Replace(line, "Partition:5", "Partition:five", 1),
		strings.Replace(line, "relay-seq", "seq", 1),
	} {
		if r, err := parseRecord(broken); err == nil {
			t.Errorf("%q is taken for %+v", broken, r)
		}
	}
}
