/// Finds the documents in the characters of plain text files, and encodes them.
struct DocumentSplitter {
    private static let lineFeed = UInt32(UInt8(ascii: "\n"))
    private static let carriageReturn = UInt32(UInt8(ascii: "\r"))
    private static let space = UInt32(UInt8(ascii: " "))
    private static let tab = UInt32(UInt8(ascii: "\t"))

    private let kind: DocumentKind
    var encoder: SymbolEncoder
    /// Whether the last character was a carriage return, which may be part of the end of the line.
    private var holdsReturn = false
    /// The spaces and tabs at the beginning of a line that may be blank; nil in a line that is not.
    private var indentation: [UInt32]? = []
    /// Whether a line of the current paragraph has ended.
    private var owesLineFeed = false

    init(_ kind: DocumentKind, encoder: SymbolEncoder) {
        self.kind = kind
        self.encoder = encoder
    }

    /// Encodes the characters at the beginning of `bytes` that can be encoded at once, and returns
    /// their number.
    mutating func appendRun(of bytes: UnsafeRawBufferPointer) -> Int {
        switch kind {
        case .whole, .file: return encoder.appendRun(of: bytes, stopsAtLineEnds: false)
        case .line, .paragraph:
            let isInsideLine = !holdsReturn && (kind == .line || indentation == nil)
            return isInsideLine ? encoder.appendRun(of: bytes, stopsAtLineEnds: true) : 0
        }
    }

    /// Encodes the next character.
    mutating func append(_ scalar: UInt32) throws(SymbolEncoder.Failure) {
        switch kind {
        case .whole, .file: try encoder.append(scalar)
        case .line, .paragraph: try appendToLines(scalar)
        }
    }

    /// Ends a file.
    mutating func endFile() throws(SymbolEncoder.Failure) {
        if holdsReturn { try appendToLine(DocumentSplitter.carriageReturn) }
        holdsReturn = false
        indentation = []
        owesLineFeed = false
        if kind != .whole { encoder.endDocument() }
    }

    private mutating func appendToLines(_ scalar: UInt32) throws(SymbolEncoder.Failure) {
        if holdsReturn, scalar != DocumentSplitter.lineFeed { try appendToLine(DocumentSplitter.carriageReturn) }
        holdsReturn = scalar == DocumentSplitter.carriageReturn
        if scalar == DocumentSplitter.lineFeed {
            endLine()
        } else if !holdsReturn {
            try appendToLine(scalar)
        }
    }

    private mutating func appendToLine(_ scalar: UInt32) throws(SymbolEncoder.Failure) {
        if kind == .paragraph, indentation != nil {
            if scalar == DocumentSplitter.space || scalar == DocumentSplitter.tab {
                indentation?.append(scalar)
                return
            }
            try beginLineOfParagraph()
        }
        try encoder.append(scalar)
    }

    private mutating func beginLineOfParagraph() throws(SymbolEncoder.Failure) {
        if owesLineFeed { try encoder.append(DocumentSplitter.lineFeed) }
        owesLineFeed = false
        for blank in indentation ?? [] { try encoder.append(blank) }
        indentation = nil
    }

    private mutating func endLine() {
        if kind == .line || indentation != nil {
            encoder.endDocument()
            owesLineFeed = false
        } else {
            owesLineFeed = true
        }
        if kind == .paragraph { indentation = [] }
    }
}
