package config_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/internal/config"
)

func TestRedactURL(t *testing.T) {
	tests := []struct{ in, want string }{
		{"postgres://relay@db:5432,db2:5433/shop", "postgres://relay@db:5432,db2:5433/shop"},
		{"postgres://relay:secret@db/shop", "postgres://relay:xxxxx@db/shop"},
		{"postgres://relay:se@cr/et@db/shop", "postgres://relay:xxxxx@db/shop"},
		{"postgresql://relay@db/shop?sslpassword=secret&sslmode=require", "postgresql://relay@db/shop?sslpassword=xxxxx&sslmode=require"},
		{"postgres://db/shop?user=a&PASSWORD=secret", "postgres://db/shop?user=a&PASSWORD=xxxxx"},
		{"host=db password=secret user=a", "host=db password=xxxxx user=a"},
		{`host=db password = 'se\'cr et' user=a`, "host=db password = xxxxx user=a"},
		{`host=db password=se\ cret user=a`, "host=db password=xxxxx user=a"},
		{`host=db password='secret user=a`, "host=db password=xxxxx"},
		{"host=db password=sec://ret", "host=db password=xxxxx"},
	}
	for _, tt := range tests {
		if got := config.RedactURL(tt.in); got != tt.want {
			t.Errorf("RedactURL(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestRedactURLLaw: whatever else a password holds, escaped or not, none of it is left.
func TestRedactURLLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-z0-9@:/?#&%= '\\]{0,6}`)
		secret := part.Draw(t, "before") + "S3CR3T" + part.Draw(t, "after")
		for _, s := range []string{
			"postgres://relay:" + secret + "@db:5432/shop",
			"postgres://db/shop?password=" + url.QueryEscape(secret) + "&user=relay",
			"host=db password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "' user=relay",
		} {
			if got := config.RedactURL(s); strings.Contains(got, "S3CR3T") {
				t.Fatalf("RedactURL(%q) = %q", s, got)
			}
		}
	})
}

// TestSecretsAreNeverPrinted plants one wherever it can stand and looks for it in everything that comes out.
func TestSecretsAreNeverPrinted(t *testing.T) {
	const planted = "hunter2"
	files := map[string]string{
		"valid":              "name: a\nsource: {url: 'postgres://relay:hunter2@db/shop'}\nkafka: {brokers: ['k:1']}\n",
		"keywords":           "name: a\nsource: {url: 'host=db password=hunter2'}\nkafka: {brokers: ['k:1']}\n",
		"unescaped":          "name: a\nsource: {url: 'postgres://relay:4/hunter2@db/shop'}\nkafka: {brokers: ['k:1']}\n",
		"port":               "name: a\nsource: {url: 'postgres://relay:hunter2/x@db/shop'}\nkafka: {brokers: ['k:1']}\n",
		"bad option":         "name: a\nsource: {url: 'postgres://relay:hunter2@db/shop?sslmode=perhaps'}\nkafka: {brokers: ['k:1']}\n",
		"bad percent":        "name: a\nsource: {url: 'postgres://relay:hunter2%zz@db/shop'}\nkafka: {brokers: ['k:1']}\n",
		"no scheme":          "name: a\nsource: {url: 'relay:hunter2@db/shop'}\nkafka: {brokers: ['k:1']}\n",
		"unknown key":        "name: a\nsource: {password: hunter2}\n",
		"unknown key twice":  "name: a\nsource:\n  url: postgres://relay:hunter2@db\n  url: postgres://relay:hunter2@db\n",
		"key to come":        "name: a\nkafka:\n  sasl: {password: hunter2}\n",
		"list":               "name: a\nsource:\n  url: [hunter2]\n",
		"mapping":            "name: a\nsource:\n  url: {password: hunter2}\n",
		"tag":                "name: a\nsource:\n  url: !!str hunter2\n",
		"syntax":             "name: a\nsource:\n  url: postgres://relay:hunter2: @db\n",
		"syntax in password": "name: a\nsource:\n  password: 'hunter2\n",
		"not a mapping":      "postgres://relay:hunter2@db\n",
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			l, err := load(t, text, config.Options{})
			out := printed(err)
			if err == nil {
				out = everything(t, l)
			}
			if strings.Contains(out, planted) {
				t.Errorf("the secret is in:\n%s", out)
			}
			if out == "" {
				t.Error("nothing was printed")
			}
		})
	}
	t.Run("variable and flag", func(t *testing.T) {
		for _, o := range []config.Options{
			{Environ: []string{"RELAY_SOURCE_URL=relay:hunter2@db"}},
			{Environ: []string{"RELAY_SOURCE_PASSWORD=hunter2"}},
			{Set: []string{"source.url=relay:hunter2@db"}},
			{Set: []string{"source.password=hunter2"}},
			{Set: []string{"hunter2"}},
		} {
			_, err := load(t, minimal, o)
			if out := printed(err); err == nil || strings.Contains(out, planted) {
				t.Errorf("%v: %s", o, out)
			}
		}
	})
}

// everything is all that is ever printed of a configuration.
func everything(t *testing.T, l *config.Loaded) string {
	t.Helper()
	var b strings.Builder
	if err := l.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(l.View())
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(text)
}

func TestPasswordIsReadAtEachUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	s := config.Source{PasswordFile: path}
	if _, err := s.Password(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing file: %v", err)
	}
	for _, tt := range []struct{ text, want string }{{"first\n", "first"}, {" second \r\n", " second "}, {"\n", ""}} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.Password()
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("Password() = %q, %v, want %q", got, err, tt.want)
		}
	}
	if got, err := (config.Source{}).Password(); got != "" || err != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
}
