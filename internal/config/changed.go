package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Changed prints a configuration as a file, without what is as in an empty one. A password in a connection string is
// printed: there is none in what Relay makes itself.
func Changed(c Config) (string, error) {
	standard := Default()
	standard.Source.Slot = DefaultSlot(c.Name)
	var b strings.Builder
	err := writeChanged(&b, reflect.ValueOf(c), reflect.ValueOf(standard), "")
	return b.String(), err
}

func writeChanged(b *strings.Builder, section, standard reflect.Value, indent string) error {
	for i := range section.NumField() {
		field, other := section.Field(i), standard.Field(i)
		if reflect.DeepEqual(field.Interface(), other.Interface()) {
			continue
		}
		name := section.Type().Field(i).Tag.Get("yaml")
		if field.Kind() == reflect.Struct {
			b.WriteString(indent + name + ":\n")
			if err := writeChanged(b, field, other, indent+"  "); err != nil {
				return err
			}
			continue
		}
		value, err := yamlValue(field.Interface())
		if err != nil {
			return fmt.Errorf("print %s: %w", name, err)
		}
		b.WriteString(indent + name + ": " + value + "\n")
	}
	return nil
}
