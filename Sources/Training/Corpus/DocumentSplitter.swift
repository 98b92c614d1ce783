/// Finds the documents in the characters of plain text files, and encodes them.
struct DocumentSplitter {
    private static let lineFeed = UInt32(UInt8(ascii: "\n"))
    private static let carriageReturn = UInt32(UInt8(ascii: "\r"))
    private static let space = UInt32(UInt8(ascii: " "))
    private static let tab = UInt32(UInt8(ascii: "\t"))

    /// What ends a document within a file.
    private enum Border {
        case none
        case lineEnd
        case blankLine
        /// A line of these characters.
        case line([UInt32])
    }

    private let border: Border
    /// Whether a document ends with its file.
    private let endsWithFile: Bool
    var encoder: SymbolEncoder
    /// Whether the last character was a carriage return, which a line feed may follow.
    private var followsReturn = false
    /// The characters at the beginning of a line that may be a border; nil in a line that is none.
    private var held: [UInt32]? = []
    /// The ends of lines of the current document that are encoded if another line follows.
    private var owedLineFeeds = 0

    /// - Parameter separator: The line between documents, in place of `kind`.
    init(_ kind: DocumentKind, separator: String?, encoder: SymbolEncoder) {
        border =
            if let separator {
                .line(separator.unicodeScalars.map(\.value))
            } else {
                switch kind {
                case .whole, .file: .none
                case .line: .lineEnd
                case .paragraph: .blankLine
                }
            }
        endsWithFile = separator != nil || kind != .whole
        self.encoder = encoder
    }

    /// Encodes the characters at the beginning of `bytes` that can be encoded at once, and returns
    /// their number.
    mutating func appendRun(of bytes: UnsafeRawBufferPointer) -> Int {
        switch border {
        case .none: return encoder.appendRun(of: bytes, stopsAtLineEnds: false)
        case .lineEnd where !followsReturn, .blankLine where held == nil, .line where held == nil:
            return encoder.appendRun(of: bytes, stopsAtLineEnds: true)
        default: return 0
        }
    }

    /// Encodes the next character.
    mutating func append(_ scalar: UInt32) throws(SymbolEncoder.Failure) {
        if case .none = border { return try encoder.append(scalar) }
        let isSecond = followsReturn && scalar == DocumentSplitter.lineFeed
        followsReturn = scalar == DocumentSplitter.carriageReturn
        if isSecond { return }
        if followsReturn || scalar == DocumentSplitter.lineFeed {
            try endLine()
        } else if !holds(scalar) {
            try beginLine()
            try encoder.append(scalar)
        }
    }

    /// Ends a file.
    mutating func endFile() throws(SymbolEncoder.Failure) {
        try endLine()
        followsReturn = false
        owedLineFeeds = 0
        if endsWithFile { encoder.endDocument() }
    }

    /// Holds the next character of a line back, if the line may still be a border with it.
    private mutating func holds(_ scalar: UInt32) -> Bool {
        guard let count = held?.count else { return false }
        let mayBeBorder =
            switch border {
            case .none, .lineEnd: false
            case .blankLine: scalar == DocumentSplitter.space || scalar == DocumentSplitter.tab
            case .line(let separator): count < separator.count && separator[count] == scalar
            }
        if mayBeBorder { held?.append(scalar) }
        return mayBeBorder
    }

    /// Encodes what is held back, because the line is no border.
    private mutating func beginLine() throws(SymbolEncoder.Failure) {
        guard let beginning = held else { return }
        held = nil
        for _ in 0..<owedLineFeeds { try encoder.append(DocumentSplitter.lineFeed) }
        owedLineFeeds = 0
        for scalar in beginning { try encoder.append(scalar) }
    }

    private mutating func endLine() throws(SymbolEncoder.Failure) {
        let isBorder: Bool
        switch border {
        case .none: return
        case .lineEnd: isBorder = true
        case .blankLine: isBorder = held != nil
        case .line(let separator):
            isBorder = held == separator
            if !isBorder, held?.isEmpty == false { try beginLine() }
        }
        if isBorder {
            encoder.endDocument()
            owedLineFeeds = 0
        } else if !encoder.isBetweenDocuments {
            owedLineFeeds += 1
        }
        held = []
    }
}
