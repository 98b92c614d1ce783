import Foundation
import TestSupport
import Testing

@testable import Trainer

/// Debian's `chromium`. Without it these tests are skipped.
private let chromium = "/usr/bin/chromium"

@Suite("A report in a browser", .enabled(if: FileManager.default.isExecutableFile(atPath: chromium)), .serialized)
struct BrowserTests {
    /// What a script in the page measures.
    private struct Layout: Decodable {
        /// The pixels by which the page is wider than the window.
        let overflow: Int
        /// The labels of an axis that touch another.
        let overlaps: Int
        let labels: Int
        let characters: Int
        let scripts: Int
    }

    /// Lays a page out in a window, and measures it by a script. The page's own policy, which
    /// forbids scripts, is taken out for that.
    private func layout(_ page: HTML, width: Int, isDark: Bool) throws -> Layout {
        let script = """
            <script>
            const labels = [...document.querySelectorAll('.frame')].filter(f => f.offsetParent).flatMap(frame =>
              ['.x', '.y'].map(kind => [...frame.querySelectorAll(kind)].map(l => l.getBoundingClientRect())));
            const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            const overlaps = labels.flatMap(l => l.flatMap((a, i) => l.slice(i + 1).filter(b => touch(a, b)))).length;
            document.title = JSON.stringify({
              overflow: document.documentElement.scrollWidth - window.innerWidth, overlaps,
              labels: labels.flat().length, characters: document.querySelectorAll('.surprise span').length,
              scripts: document.scripts.length - 1});
            </script></body>
            """
        let markup = page.markup
            .replacingOccurrences(of: "http-equiv=\"Content-Security-Policy\"", with: "name=\"policy\"")
            .replacingOccurrences(of: "</body>", with: script)
        return try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("page.html")
            try markup.write(to: file, atomically: true, encoding: .utf8)
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: chromium)
            process.arguments = [
                "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--user-data-dir=\(folder.path)/profile", "--window-size=\(width),900",
                "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)", "--dump-dom", file.absoluteString,
            ]
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            let document = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            let title = try #require(document.firstMatch(of: /<title>(\{.*\})<\/title>/))
            return try JSONDecoder().decode(Layout.self, from: Data(title.1.utf8))
        }
    }

    @Test(
        "fits the window, labels do not touch, and no text has become markup",
        arguments: [(400, 3, true), (1200, 1, false)])
    func layout(width: Int, runs: Int, isDark: Bool) throws {
        let page = Page(runs: try (0..<runs).map { _ in try hostileRecord(shownCount: 300) }).html
        let layout = try layout(page, width: width, isDark: isDark)
        #expect(layout.overflow <= 0 && layout.overlaps == 0 && layout.labels > 8)
        #expect(layout.characters == 300 * runs && layout.scripts == 0)
    }
}
