package main

import "testing"

func TestReport(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d is printed as %s, want %s", n, got, want)
		}
	}
	if conclusion(verdict{written: 1, once: 1}) == conclusion(verdict{written: 1, missing: 1}) {
		t.Error("the conclusion is the same whether the count is even or not")
	}
}
