package outbox

// connectKind is what Debezium's Postgres connector makes of a column in Kafka Connect's terms.
type connectKind int

const (
	kindText connectKind = iota // text as Postgres prints it
	kindBool
	kindInteger
	kindFloat
	kindDecimal         // numeric(p,s): a number and a scale that the text shows
	kindVariableDecimal // numeric: the same as an object of its own
	kindDate            // days since the epoch
	kindTimeMillis
	kindTimeMicros
	kindTimestampMillis // milliseconds since the epoch
	kindTimestampMicros
	kindTimestamptz // ISO 8601 in UTC with a fixed number of digits behind the point
	kindTimetz      // ISO 8601 in UTC without zeros at the end
	kindInterval    // microseconds, with months of 30.4375 days
	kindBit         // the bit as a boolean
	kindBytes
	kindArray
)

// connectType is a kind with what else decides its form.
type connectType struct {
	kind    connectKind
	element connectKind // of an array
	width   int32       // of a timestamptz: digits behind the point
}

// connectTypeOf gives the type of a column, and false for one whose form Relay does not know. What users define,
// enumerations and domains, is taken for text.
func connectTypeOf(c Column) (connectType, bool) {
	switch c.TypeOID {
	case 18, 19, 25, 1042, 1043, // "char", name, text, char(n), varchar
		114, 3802, 142, 2950, // json, jsonb, xml, uuid
		869, 650, 829, 774, // inet, cidr, macaddr, macaddr8
		3904, 3906, 3908, 3910, 3912, 3926, 3614: // ranges, tsvector
		return connectType{kind: kindText}, true
	case 16:
		return connectType{kind: kindBool}, true
	case oidInt2, oidInt4, oidInt8, 26: // and oid
		return connectType{kind: kindInteger}, true
	case 700, 701:
		return connectType{kind: kindFloat}, true
	case 1700:
		return decimalType(c.TypeMod)
	case 1082:
		return connectType{kind: kindDate}, true
	case 1083:
		return connectType{kind: byPrecision(c.TypeMod, kindTimeMillis, kindTimeMicros)}, true
	case oidTimestamp:
		return connectType{kind: byPrecision(c.TypeMod, kindTimestampMillis, kindTimestampMicros)}, true
	case oidTimestamptz:
		if c.TypeMod < 0 {
			return connectType{kind: kindTimestamptz, width: 6}, true
		}
		return connectType{kind: kindTimestamptz, width: c.TypeMod}, true
	case 1266:
		return connectType{kind: kindTimetz}, true
	case 1186:
		return connectType{kind: kindInterval}, true
	case 1560, 1562: // bit, bit varying: longer ones are bytes of their own order
		return connectType{kind: kindBit}, c.TypeMod == 1
	case oidBytea:
		return connectType{kind: kindBytes}, true
	}
	if element, ok := elementKind(c); ok {
		return connectType{kind: kindArray, element: element}, true
	}
	return connectType{kind: kindText}, c.TypeOID >= firstUserOID
}

// elementKind gives the kind of the elements of an array. Arrays of times are left out: what Debezium makes of them
// depends on the time zone it runs in.
func elementKind(c Column) (connectKind, bool) {
	switch c.TypeOID {
	case 1002, 1009, 1014, 1015, // of "char", text, char(n), varchar
		2951, 199, 3807, // uuid, json, jsonb
		1041, 651, 1040, 775, // inet, cidr, macaddr, macaddr8
		3905, 3907, 3909, 3911, 3913, 3927: // ranges
		return kindText, true
	case 1005, 1007, 1016, 1028: // int2, int4, int8, oid
		return kindInteger, true
	case 1000:
		return kindBool, true
	case 1021, 1022: // float4, float8
		return kindFloat, true
	case 1231:
		t, known := decimalType(c.TypeMod) // that of the array is that of its elements
		return t.kind, known
	case 1182:
		return kindDate, true
	case 1001:
		return kindBytes, true
	}
	return 0, false
}

func (t connectType) isDecimal() bool { return t.kind == kindDecimal || t.kind == kindVariableDecimal }

// isNoNumber tells NaN and the infinities from what else numeric_out prints.
func isNoNumber(text []byte) bool {
	switch string(text) {
	case "NaN", "Infinity", "-Infinity":
		return true
	}
	return false
}

// decimalType reads the modifier of numeric: precision in the upper 16 bits, scale, which may be negative, in the lower
// eleven, the whole four too large (numeric.c, make_numeric_typmod).
func decimalType(typeMod int32) (connectType, bool) {
	if typeMod < 4 {
		return connectType{kind: kindVariableDecimal}, true
	}
	negativeScale := (typeMod-4)&0x400 != 0
	return connectType{kind: kindDecimal}, !negativeScale
}

// byPrecision chooses by the digits behind the point, six without a modifier.
func byPrecision(typeMod int32, millis, micros connectKind) connectKind {
	if typeMod >= 0 && typeMod <= 3 {
		return millis
	}
	return micros
}
