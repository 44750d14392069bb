package outbox

import (
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// The expectations of the first two tests were printed by Java.
func TestJavaDouble(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.0", "-0": "-0.0", "1": "1.0", "-1.5": "-1.5", "100": "100.0", "0.1": "0.1", "0.001": "0.001", "0.00123": "0.00123",
		"0.0001": "1.0E-4", "1e-05": "1.0E-5", "9999999": "9999999.0", "10000000": "1.0E7", "12345678.9": "1.23456789E7",
		"1234567.125": "1234567.125", "1e+20": "1.0E20", "1.7976931348623157e+308": "1.7976931348623157E308",
		"123456789012345": "1.23456789012345E14", "-2.5e-10": "-2.5E-10", "4.9e-324": "4.9E-324",
		"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity",
	} {
		if got, err := appendJavaDouble(nil, []byte(text)); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v, Java prints %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1e", "1ex", "-", ".5", "1,5"} {
		if got, err := appendJavaDouble(nil, []byte(text)); err == nil {
			t.Errorf("%q becomes %s", text, got)
		}
	}
}

func TestBigDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "0.00": "0.00", "12.50": "12.50", "-12.50": "-12.50", "0.000001": "0.000001", "0.0000001": "1E-7",
		"-0.00000012": "-1.2E-7", "0.000000": "0.000000", "0.0000000": "0E-7", "0.00000100": "0.00000100",
		"123456789012345678901234567890.12": "123456789012345678901234567890.12",
	} {
		if got, err := appendBigDecimal(nil, []byte(text)); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v, Java prints %s", text, got, err, want)
		}
	}
	for _, text := range []string{"NaN", "Infinity", "-Infinity", "", "1e5"} {
		if got, err := appendBigDecimal(nil, []byte(text)); err == nil {
			t.Errorf("%q becomes %s", text, got)
		}
	}
}

// The number whose two's complement is written is the number that was read, and no byte could be left out.
func TestTwosComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, _ := new(big.Int).SetString(rapid.StringMatching(`-?[0-9]{1,40}`).Draw(t, "n"), 10)
		raw := twosComplement(n)
		back := new(big.Int).SetBytes(raw)
		if raw[0]&0x80 != 0 {
			back.Sub(back, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
		if back.Cmp(n) != 0 {
			t.Fatalf("%s is written as %x, which is %s", n, raw, back)
		}
		if len(raw) > 1 && (raw[0] == 0 && raw[1]&0x80 == 0 || raw[0] == 0xFF && raw[1]&0x80 != 0) {
			t.Fatalf("%s is written as %x, whose first byte says nothing", n, raw)
		}
	})
}

func TestConnectForms(t *testing.T) {
	typ := func(oid uint32, mod int32) connectType {
		form, ok := connectTypeOf(Column{TypeOID: oid, TypeMod: mod})
		if !ok {
			t.Fatalf("type %d is not known", oid)
		}
		return form
	}
	numeric := func(precision, scale int32) int32 { return precision<<16 | scale + 4 }
	tests := []struct {
		name       string
		form       connectType
		text       string
		want, json string // "": no form
	}{
		{"text", typ(25, -1), "a\"b\\\x01\x1f\b\t\n\f\r/é😀", "a\"b\\\x01\x1f\b\t\n\f\r/é😀", `"a\"b\\\u0001\u001F\b\t\n\f\r/é😀"`},
		{"enum", typ(firstUserOID, -1), "Placed", "Placed", `"Placed"`},
		{"bool", typ(16, -1), "f", "false", "false"},
		{"bigint", typ(oidInt8, -1), "9007199254740993", "9007199254740993", "9007199254740993"},
		{"float", typ(701, -1), "3", "3.0", "3.0"},
		{"not a number", typ(701, -1), "NaN", "NaN", `"NaN"`},
		{"infinity", typ(700, -1), "-Infinity", "-Infinity", `"-Infinity"`},
		{"numeric(10,2)", typ(1700, numeric(10, 2)), "12.50", "12.50", `"BOI="`},
		{"negative numeric", typ(1700, numeric(10, 2)), "-1.28", "-1.28", `"gA=="`},
		{"numeric", typ(1700, -1), "12.50", `{"scale":1,"value":"fQ=="}`, `{"scale":1,"value":"fQ=="}`},
		{"numeric without fraction", typ(1700, -1), "100", `{"scale":0,"value":"ZA=="}`, `{"scale":0,"value":"ZA=="}`},
		{"numeric zero", typ(1700, -1), "0.000", `{"scale":0,"value":"AA=="}`, `{"scale":0,"value":"AA=="}`},
		{"numeric that is not a number", typ(1700, -1), "NaN", "", ""},
		{"interval", typ(1186, -1), "1 year 2 mons -3 days +04:05:06.7", "36572706700000", "36572706700000"},
		{"interval beyond 64 bits", typ(1186, -1), "-178000000 years", "-9223372036854775808", "-9223372036854775808"},
		{"negative interval", typ(1186, -1), "-00:00:00.000001", "-1", "-1"},
		{"interval of nothing", typ(1186, -1), "00:00:00", "0", "0"},
		{"interval of one month", typ(1186, -1), "1 mon", "2629800000000", "2629800000000"},
		{"interval in another style", typ(1186, -1), "P1Y", "", ""},
		{"timetz", typ(1266, -1), "10:00:00.120000+02:30", "07:30:00.12Z", `"07:30:00.12Z"`},
		{"timetz of the day before", typ(1266, -1), "01:00:00+02", "23:00:00Z", `"23:00:00Z"`},
		{"bit", typ(1560, 1), "1", "true", "true"},
		{"other bit", typ(1562, 1), "0", "false", "false"},
		{"tsvector", typ(3614, -1), "'a':1 'b'", "'a':1 'b'", `"'a':1 'b'"`},
		{"numeric NaN", typ(1700, numeric(10, 2)), "NaN", "", ""},
		{"date", typ(1082, -1), "2020-02-29", "18321", "18321"},
		{"infinite date", typ(1082, -1), "infinity", "-2147472692", "-2147472692"},
		{"infinite timestamp", typ(oidTimestamp, 3), "-infinity", "-9223372036832400", "-9223372036832400"},
		{"time", typ(1083, -1), "10:00:00.5", "36000500000", "36000500000"},
		{"time(3)", typ(1083, 3), "10:00:00.5", "36000500", "36000500"},
		{"timestamp", typ(oidTimestamp, -1), "2020-02-29 12:00:00.123456", "1582977600123456", "1582977600123456"},
		{"timestamp(3)", typ(oidTimestamp, 3), "2020-02-29 12:00:00.123", "1582977600123", "1582977600123"},
		{"timestamp before 1970", typ(oidTimestamp, -1), "1969-12-31 23:59:59", "-1000000", "-1000000"},
		{"timestamptz", typ(oidTimestamptz, -1), "2020-02-29 12:00:00+02", "2020-02-29T10:00:00.000000Z", `"2020-02-29T10:00:00.000000Z"`},
		{"timestamptz(2)", typ(oidTimestamptz, 2), "2020-02-29 10:00:00.12+00", "2020-02-29T10:00:00.12Z", `"2020-02-29T10:00:00.12Z"`},
		{"timestamptz(0)", typ(oidTimestamptz, 0), "2020-02-29 10:00:00+00", "2020-02-29T10:00:00Z", `"2020-02-29T10:00:00Z"`},
		{"timestamptz long ago", typ(oidTimestamptz, 0), "0001-01-01 00:00:01+00 BC", "0000-01-01T00:00:01Z", `"0000-01-01T00:00:01Z"`},
		{"timestamptz far ahead", typ(oidTimestamptz, 0), "12020-01-01 00:00:00+00", "+12020-01-01T00:00:00Z", `"+12020-01-01T00:00:00Z"`},
		{"timestamptz infinity", typ(oidTimestamptz, -1), "infinity", "infinity", `"infinity"`},
		{"bytea", typ(oidBytea, -1), `\x00ff`, "AP8=", `"AP8="`},
		{"bytea in escape form", typ(oidBytea, -1), `a`, "", ""},
		{"text[]", typ(1009, -1), `{a,"b \"c\\",NULL,"NULL",""}`, `["a","b \"c\\",null,"NULL",""]`, `["a","b \"c\\",null,"NULL",""]`},
		{"empty array", typ(1009, -1), `{}`, `[]`, `[]`},
		{"int[]", typ(1007, -1), `{1,NULL,-3}`, `[1,null,-3]`, `[1,null,-3]`},
		{"bool[]", typ(1000, -1), `{t,f}`, `[true,false]`, `[true,false]`},
		{"float8[]", typ(1022, -1), `{1,1e-05}`, `[1.0,1.0E-5]`, `[1.0,1.0E-5]`},
		{"numeric(10,2)[]", typ(1231, numeric(10, 2)), `{12.50,NULL}`, `[12.50,null]`, `["BOI=",null]`},
		{"numeric[]", typ(1231, -1), `{12.50}`, `[{"scale":1,"value":"fQ=="}]`, `[{"scale":1,"value":"fQ=="}]`},
		{"date[]", typ(1182, -1), `{2020-02-29}`, `[18321]`, `[18321]`},
		{"bytea[]", typ(1001, -1), `{"\\x00ff"}`, `["AP8="]`, `["AP8="]`},
		{"jsonb[]", typ(3807, -1), `{"{\"a\": 1}"}`, `["{\"a\": 1}"]`, `["{\"a\": 1}"]`},
		{"array of arrays", typ(1007, -1), `{{1},{2}}`, "", ""},
		{"array with bounds", typ(1007, -1), `[2:3]={1,2}`, "", ""},
		{"array cut", typ(1009, -1), `{"a`, "", ""},
	}
	for _, tt := range tests {
		text, err := tt.form.appendText([]byte("x"), []byte(tt.text))
		if got := string(text); (err == nil) != (tt.want != "") || err == nil && got != "x"+tt.want {
			t.Errorf("%s: %q becomes %q as text, %v, want %q", tt.name, tt.text, got, err, tt.want)
		}
		text, err = tt.form.appendJSON([]byte("x"), []byte(tt.text))
		if got := string(text); (err == nil) != (tt.json != "") || err == nil && got != "x"+tt.json {
			t.Errorf("%s: %q becomes %q as JSON, %v, want %q", tt.name, tt.text, got, err, tt.json)
		}
	}
	for _, c := range []Column{{TypeOID: 600}, {TypeOID: 790}, {TypeOID: 1560, TypeMod: 8}, {TypeOID: 1562, TypeMod: -1}, {TypeOID: 1185, TypeMod: -1}, {TypeOID: 1700, TypeMod: numeric(5, 0x7FF)}} {
		if _, ok := connectTypeOf(c); ok { // point, money, bit(8), varbit, timestamptz[], numeric(5,-1)
			t.Errorf("type %d is taken for one that Relay knows the form of", c.TypeOID)
		}
	}
}

func TestExpandJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`, `[]`: `[]`, "{ \"a\" : [1 , 2.50,\n1e400], \"b\":null}": `{"a":[1,2.50,1e400],"b":null}`,
		`{"a b": " c "}`: `{"a b":" c "}`, `{"a": "\u00e9\/\u0001\""}`: `{"a":"é/\u0001\""}`, `{"a": "\ud800"}`: `{"a":"\ud800"}`,
		`"text"`: "", `1`: "", ` {}`: "", `{`: "", `{} x`: "", ``: "", `{not json`: "",
	} {
		got, ok := appendExpanded([]byte("x"), []byte(text))
		if ok != (want != "") || string(got) != "x"+want {
			t.Errorf("%s becomes %s, %t, want %s", text, got, ok, want)
		}
	}
}

// The fewest digits that tell a float apart are those that strconv finds as well: the two agree on every number, and
// what is written is the same number.
func TestJavaDoubleIsTheSameNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		text := strconv.FormatFloat(f, 'g', -1, 64)
		got, err := appendJavaDouble(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := strconv.ParseFloat(string(got), 64); err != nil || back != f {
			t.Fatalf("%s becomes %s, which is %v, %v", text, got, back, err)
		}
	})
}
