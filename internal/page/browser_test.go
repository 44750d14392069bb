package page

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/outbox-relay/relay/internal/status"
)

var shots = flag.String("shots", "", "write what the browser shows to this directory")

// TestInABrowser opens the page in a real one, in every state and form, and sees that it draws it: the style is
// applied, so the policy's hash is right; nothing is asked for but the page; and the browser has nothing to complain of.
// There is no JavaScript to be switched off: the policy forbids any.
func TestInABrowser(t *testing.T) {
	browser := findBrowser(t)
	white, night := color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x14, 0x17, 0x1a, 0xff}
	for _, tt := range []struct {
		state, form   string
		width, height int
		flags         []string
		ground        color.RGBA
	}{
		{"streaming", "light", 1000, 1500, nil, white},
		{"streaming", "dark", 1000, 1500, []string{"--blink-settings=preferredColorScheme=0"}, night},
		{"streaming", "narrow", 360, 2400, nil, white},
		{"standby", "dark", 1000, 1100, []string{"--blink-settings=preferredColorScheme=0"}, night},
		{"halted", "light", 1000, 1500, nil, white},
		{"refused", "light", 1000, 1100, nil, white},
	} {
		t.Run(tt.state+" "+tt.form, func(t *testing.T) {
			url, asked := serve(t, fixtures()[tt.state])
			file := filepath.Join(t.TempDir(), "shot.png")
			if *shots != "" {
				file = filepath.Join(*shots, tt.state+"-"+tt.form+".png")
			}
			flags := append([]string{fmt.Sprintf("--window-size=%d,%d", tt.width, tt.height), "--screenshot=" + file}, tt.flags...)
			complaints := browser.open(t, url, flags...)
			for line := range strings.Lines(complaints) {
				if strings.Contains(line, "CONSOLE") {
					t.Errorf("the browser says %s", line)
				}
			}
			if got := asked(); got != "GET /" {
				t.Errorf("asked for: %s", got)
			}
			checkPicture(t, file, tt.width, tt.height, tt.ground)
		})
	}
}

// checkPicture sees that the ground has the colour that only the style gives it, and that something is drawn on it.
func checkPicture(t *testing.T, file string, width, height int, ground color.RGBA) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != width || size.Y != height {
		t.Errorf("picture of %v", size)
	}
	if got := color.RGBAModel.Convert(picture.At(2, height-2)); got != ground {
		t.Errorf("ground %v, want %v", got, ground)
	}
	colours := map[color.Color]bool{}
	for x := range width {
		for y := range height / 2 {
			colours[picture.At(x, y)] = true
		}
	}
	if len(colours) < 20 {
		t.Errorf("the picture has %d colours", len(colours))
	}
}

// serve serves the page and tells what was asked for.
func serve(t *testing.T, tr *status.Tracker) (url string, asked func() string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	page := handlerOf(tr)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.Method+" "+r.URL.Path)
		mu.Unlock()
		page.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(requests, ", ")
	}
}

// browser is the path of one that is made of Chromium.
type browser string

func findBrowser(t *testing.T) browser {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser(path)
		}
	}
	t.Fatal("no browser: Chromium or Google Chrome must be in PATH (Debian: apt-get install chromium fonts-dejavu-core)")
	return ""
}

// open opens the page in a new browser and gives what that says.
func (b browser) open(t *testing.T, url string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	flags = append(flags, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--enable-logging=stderr", "--user-data-dir="+t.TempDir(), url)
	cmd := exec.CommandContext(ctx, string(b), flags...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", b, err, out)
	}
	return string(out)
}
