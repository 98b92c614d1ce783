import Testing

@testable import Trainer

@Suite("Markup of a report")
struct HTMLTests {
    @Test(
        "text from outside stays text",
        arguments: [
            ("</script><script>alert(1)</script>", "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onclick='x'", "&quot; onclick=&#39;x&#39;"), ("a & b", "a &amp; b"), ("é 漢 👩‍💻\n\t", "é 漢 👩‍💻\n\t"),
            ("\0\u{1B}[31m\r\u{7F}", "␀␛[31m␍␡"), ("\u{85}\u{2028}", "[U+0085][U+2028]"),
            ("\u{202E}txt.exe\u{2066}\u{200F}", "[U+202E]txt.exe[U+2066][U+200F]"), ("\u{FFFF}", "[U+FFFF]"),
        ])
    func escaping(text: String, markup: String) {
        let html: HTML = "<p title=\"\(text)\">\(text)</p>"
        #expect(html.markup == "<p title=\"\(markup)\">\(markup)</p>")
    }

    @Test("markup within markup is not escaped again")
    func nested() {
        let items = ["a", "<"].map { text -> HTML in "<li>\(text)</li>" }
        let list: HTML = "<ul>\(items)</ul>\(7)"
        #expect(list.markup == "<ul><li>a</li><li>&lt;</li></ul>7")
    }
}
