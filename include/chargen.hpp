/*
 * chargen for C++17 and later: the functions of chargen.h, which describes them, as classes.
 *
 *     #include <chargen.hpp>
 *     #include <iostream>
 *
 *     int main() {
 *         try {
 *             chargen::model model("model.cgw");
 *             chargen::session session(model);
 *             session.set_seed(42);
 *             session.feed("The ");
 *             std::cout << session.generate(200) << '\n';
 *         } catch (const chargen::error &error) {
 *             std::cerr << error.what() << '\n';
 *             return 1;
 *         }
 *     }
 *
 * An object owns what it stands for, and frees it at its end; it can be moved, not copied
 * (session::clone() makes another session). After it was moved from it can only be assigned to or
 * destroyed. handle() gives what the functions of chargen.h take, for those without a method here.
 * The rules on threads are those of chargen.h. A call that fails throws chargen::error.
 */
#ifndef CHARGEN_HPP
#define CHARGEN_HPP

#include <chargen.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace chargen {

/* A failed call: its status, and the library's message. */
class error : public std::runtime_error {
public:
    explicit error(chargen_status status) : std::runtime_error(chargen_error_message()), status_(status) {}
    chargen_status status() const noexcept { return status_; }

private:
    chargen_status status_;
};

/* Throws an error unless a call has succeeded. */
inline void check(chargen_status status) {
    if (status != CHARGEN_OK) {
        throw error(status);
    }
}

/* Numbers in memory of the library's, valid as long as chargen.h says. */
class numbers {
public:
    numbers(const float *first, std::size_t count) : first_(first), count_(count) {}
    const float *begin() const { return first_; }
    const float *end() const { return first_ + count_; }
    const float *data() const { return first_; }
    std::size_t size() const { return count_; }
    float operator[](std::size_t index) const { return first_[index]; }

private:
    const float *first_;
    std::size_t count_;
};

namespace detail {

/* Owns a handle. */
template <class Handle, void (*release)(Handle *)> class owner {
public:
    Handle *handle() const noexcept { return handle_.get(); }

protected:
    owner() = default;
    /* Where a function of chargen.h is to put a new handle; what it has put there. */
    template <class Make> void make(Make make) {
        Handle *handle = nullptr;
        check(make(&handle));
        handle_.reset(handle);
    }

private:
    struct deleter {
        void operator()(Handle *handle) const { release(handle); }
    };
    std::unique_ptr<Handle, deleter> handle_;
};

} // namespace detail

/* A trained model: chargen_model. */
class model : public detail::owner<chargen_model, chargen_model_free> {
public:
    /* Loads a .cgw file. */
    explicit model(const std::string &path) {
        make([&](chargen_model **model) { return chargen_model_load_file(path.c_str(), model); });
    }
    /* Loads the bytes of a .cgw file, which may be freed afterwards. */
    model(const void *bytes, std::size_t length) {
        make([&](chargen_model **model) { return chargen_model_load_memory(bytes, length, model); });
    }

    std::string_view cell() const { return chargen_model_cell(handle()); }
    std::string_view weight_type() const { return chargen_model_weight_type(handle()); }
    std::string_view backend() const { return chargen_model_backend(handle()); }
    std::size_t layer_count() const { return chargen_model_layer_count(handle()); }
    std::size_t hidden_size() const { return chargen_model_hidden_size(handle()); }
    std::size_t parameter_count() const { return chargen_model_parameter_count(handle()); }
    bool has_end_of_document() const { return chargen_model_has_end_of_document(handle()) != 0; }
    bool has_unknown() const { return chargen_model_has_unknown(handle()) != 0; }
    bool knows(char32_t character) const { return chargen_model_knows(handle(), character) != 0; }
    /* A JSON object, valid as long as the model. */
    std::string_view provenance() const {
        std::size_t length;
        const char *text = chargen_model_provenance(handle(), &length);
        return {text, length};
    }
    /* The characters that the model knows, in ascending order. */
    std::u32string characters() const {
        std::u32string result(chargen_model_character_count(handle()), U' ');
        for (std::size_t index = 0; index < result.size(); index++) {
            std::uint32_t character;
            check(chargen_model_character(handle(), index, &character));
            result[index] = character;
        }
        return result;
    }
    /* The columns of labels, and the labels of each, valid as long as the model. */
    std::vector<std::string_view> label_columns() const {
        std::vector<std::string_view> result;
        for (std::size_t column = 0; column < chargen_model_label_column_count(handle()); column++) {
            result.emplace_back(chargen_model_label_column(handle(), column));
        }
        return result;
    }
    std::vector<std::string_view> labels(std::size_t column = 0) const {
        std::vector<std::string_view> result;
        for (std::size_t label = 0; label < chargen_model_label_count(handle(), column); label++) {
            result.emplace_back(chargen_model_label(handle(), column, label));
        }
        return result;
    }
    /* The number of a label. */
    std::int32_t find_label(std::string_view name, std::size_t column = 0) const {
        std::int32_t label;
        check(chargen_model_find_label(handle(), column, name.data(), name.size(), &label));
        return label;
    }
    /* Checks the model by the self-test that its file has. Returns whether there is one. */
    bool verify() const {
        std::int32_t has_self_test;
        check(chargen_model_verify(handle(), &has_self_test));
        return has_self_test != 0;
    }
};

/* A regular expression that generated text matches: chargen_pattern. */
class pattern : public detail::owner<chargen_pattern, chargen_pattern_free> {
public:
    pattern(const model &model, std::string_view expression) {
        make([&](chargen_pattern **pattern) {
            return chargen_pattern_create(model.handle(), expression.data(), expression.size(), pattern);
        });
    }
    /* A pattern of texts like `text`, in which `free_character` stands for any of `choices`, or, if
     * that is empty, for any but a line break. */
    static pattern from_template(const model &model, std::string_view text, char32_t free_character = U'_',
                                 std::string_view choices = {}) {
        pattern result;
        result.make([&](chargen_pattern **pattern) {
            return chargen_pattern_create_template(model.handle(), text.data(), text.size(), free_character,
                                                   choices.data(), choices.size(), pattern);
        });
        return result;
    }

private:
    pattern() = default;
};

/* How probable a text was: the sum of natural logarithms, and the number of characters that count. */
struct text_score {
    double log_probability;
    std::size_t characters;
};

/* What may come next: a character, or the end of a document, and its probability. */
struct candidate {
    std::optional<char32_t> character;
    float probability;
};

/* A text that a model continues: chargen_session. */
class session : public detail::owner<chargen_session, chargen_session_free> {
public:
    explicit session(const model &model) {
        make([&](chargen_session **session) { return chargen_session_create(model.handle(), session); });
    }
    /* A session that a snapshot was taken of. */
    session(const model &model, const std::vector<unsigned char> &snapshot) {
        make([&](chargen_session **session) {
            return chargen_session_restore(model.handle(), snapshot.data(), snapshot.size(), session);
        });
    }
    /* A session at the same place of the same text, which goes on by itself. */
    session clone() const {
        session result;
        result.make([&](chargen_session **session) { return chargen_session_clone(handle(), session); });
        return result;
    }
    /* A new session that shares memory: see chargen_session_create_sharing(). */
    session create_sharing() {
        session result;
        result.make([&](chargen_session **session) { return chargen_session_create_sharing(handle(), session); });
        return result;
    }
    std::vector<unsigned char> snapshot() const {
        std::vector<unsigned char> bytes(chargen_session_snapshot_size(handle()));
        std::size_t length;
        check(chargen_session_snapshot(handle(), bytes.data(), bytes.size(), &length));
        return bytes;
    }

    /* Settings. */
    session &set_temperature(float temperature) { return done(chargen_session_set_temperature(handle(), temperature)); }
    session &set_seed(std::uint64_t seed) { return done(chargen_session_set_seed(handle(), seed)); }
    session &set_top_k(std::size_t k) { return done(chargen_session_set_top_k(handle(), k)); }
    session &set_top_p(float p) { return done(chargen_session_set_top_p(handle(), p)); }
    session &set_min_p(float p) { return done(chargen_session_set_min_p(handle(), p)); }
    session &set_penalties(float repetition, float frequency, std::size_t window) {
        return done(chargen_session_set_penalties(handle(), repetition, frequency, window));
    }
    /* No character is the end of a document. */
    session &set_bias(std::optional<char32_t> character, float bias) {
        return done(chargen_session_set_bias(handle(), code(character), bias));
    }
    session &set_allowed(std::string_view characters) {
        return done(chargen_session_set_allowed(handle(), characters.data(), characters.size()));
    }
    session &set_pattern(const pattern &pattern) { return done(chargen_session_set_pattern(handle(), pattern.handle())); }
    session &clear_pattern() { return done(chargen_session_set_pattern(handle(), nullptr)); }
    session &set_max_length(std::size_t characters) { return done(chargen_session_set_max_length(handle(), characters)); }
    session &set_stop_strings(const std::vector<std::string> &strings) {
        std::vector<const char *> texts;
        std::vector<std::size_t> lengths;
        for (const std::string &string : strings) {
            texts.push_back(string.data());
            lengths.push_back(string.size());
        }
        return done(chargen_session_set_stop_strings(handle(), texts.data(), lengths.data(), strings.size()));
    }
    session &set_unknown(chargen_unknown unknown) { return done(chargen_session_set_unknown(handle(), unknown)); }
    session &set_threads(std::size_t threads) { return done(chargen_session_set_threads(handle(), threads)); }
    session &set_undo(std::size_t characters) { return done(chargen_session_set_undo(handle(), characters)); }
    /* The flag must live as long as it is set. nullptr for none. */
    session &set_interrupt(const std::int32_t *flag) { return done(chargen_session_set_interrupt(handle(), flag)); }

    /* Which documents are generated: see chargen_session_set_label(). No label is -1. */
    session &set_label(std::int32_t label, std::size_t column = 0) {
        return done(chargen_session_set_label(handle(), column, label));
    }
    session &set_label_weights(const std::vector<float> &weights, std::size_t column = 0) {
        return done(chargen_session_set_label_weights(handle(), column, weights.data(), weights.size()));
    }
    session &set_initial_state(const std::vector<float> &values) {
        return done(chargen_session_set_initial_state(handle(), values.data(), values.size()));
    }
    /* The probability of each label of a column of the session's model for a text. */
    std::vector<float> classify(const model &model, std::string_view text, std::size_t column = 0,
                                bool is_whole = true) {
        std::vector<float> result(chargen_model_label_count(model.handle(), column) + 1);
        check(chargen_session_classify(handle(), column, text.data(), text.size(), is_whole, result.data(),
                                       result.size()));
        result.pop_back();
        return result;
    }

    /* Reading. */
    void feed(std::string_view text) { check(chargen_session_feed(handle(), text.data(), text.size())); }
    /* No character is the end of a document. */
    void feed(std::optional<char32_t> character) { check(chargen_session_feed_character(handle(), code(character))); }
    void feed_piece(std::string_view bytes) { check(chargen_session_feed_piece(handle(), bytes.data(), bytes.size())); }
    text_score score(std::string_view text) {
        text_score score{};
        check(chargen_session_score(handle(), text.data(), text.size(), &score.log_probability, &score.characters));
        return score;
    }
    text_score score_document(std::string_view text) {
        text_score score{};
        check(chargen_session_score_document(handle(), text.data(), text.size(), &score.log_probability,
                                             &score.characters));
        return score;
    }
    void undo(std::size_t characters) { check(chargen_session_undo(handle(), characters)); }
    std::size_t undo_count() const { return chargen_session_undo_count(handle()); }
    void reset() { check(chargen_session_reset(handle())); }

    /* Writing. */

    /* The next character; none at an end, which end_reason() tells. */
    std::optional<char32_t> next() {
        std::uint32_t character;
        check(chargen_session_next(handle(), &character));
        if (character == CHARGEN_END_OF_DOCUMENT || character == CHARGEN_STOPPED) {
            return std::nullopt;
        }
        return static_cast<char32_t>(character);
    }
    /* Text up to its end, at most so many characters. */
    std::string generate(std::size_t max_characters) {
        std::string text;
        stream([&](std::string_view character) { text += character; }, max_characters);
        return text;
    }
    /* Calls a function with the UTF-8 of each character. It may return a bool: whether to go on. An
     * exception of its own stops it, and comes out here. */
    template <class Callback> void stream(Callback &&callback, std::size_t max_characters) {
        struct stream_state {
            std::remove_reference_t<Callback> *callback;
            std::exception_ptr exception;
        } state{&callback, nullptr};
        const auto pass_on = [](const char *character, std::size_t length, void *user) noexcept -> std::int32_t {
            auto *const passed = static_cast<stream_state *>(user);
            try {
                if constexpr (std::is_void_v<std::invoke_result_t<Callback &, std::string_view>>) {
                    (*passed->callback)(std::string_view(character, length));
                    return 0;
                } else {
                    return (*passed->callback)(std::string_view(character, length)) ? 0 : 1;
                }
            } catch (...) {
                passed->exception = std::current_exception();
                return 1;
            }
        };
        const chargen_status status = chargen_session_stream(handle(), max_characters, pass_on, &state);
        if (state.exception) {
            std::rethrow_exception(state.exception);
        }
        check(status);
    }
    chargen_end_reason end_reason() const { return chargen_session_end_reason(handle()); }
    bool ended() const { return chargen_session_ended(handle()) != 0; }

    /* The characters up to the next end:
     *
     *     for (char32_t character : session) { … }
     */
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = char32_t;
        using difference_type = std::ptrdiff_t;
        using pointer = const char32_t *;
        using reference = char32_t;

        iterator() = default;
        explicit iterator(session &session) : session_(&session) { ++*this; }
        char32_t operator*() const { return *character_; }
        iterator &operator++() {
            character_ = session_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b) {
            return a.character_.has_value() == b.character_.has_value();
        }
        friend bool operator!=(const iterator &a, const iterator &b) { return !(a == b); }

    private:
        session *session_ = nullptr;
        std::optional<char32_t> character_;
    };
    iterator begin() { return iterator(*this); }
    iterator end() { return {}; }

    /* What may come next. */
    numbers probabilities() { return ask(chargen_session_probabilities); }
    numbers log_probabilities() { return ask(chargen_session_log_probabilities); }
    numbers logits() { return ask(chargen_session_logits); }
    /* No character is the end of a document. */
    float probability(std::optional<char32_t> character) {
        float result;
        check(chargen_session_probability(handle(), code(character), &result));
        return result;
    }
    /* The k likeliest, from the likeliest down. */
    std::vector<candidate> likeliest(std::size_t k) {
        const std::size_t room = k < probabilities().size() ? k : probabilities().size();
        std::vector<std::uint32_t> characters(room + 1);
        std::vector<float> values(room + 1);
        std::size_t count;
        check(chargen_session_likeliest(handle(), room, characters.data(), values.data(), &count));
        std::vector<candidate> result;
        for (std::size_t index = 0; index < count; index++) {
            const bool is_end = characters[index] == CHARGEN_END_OF_DOCUMENT;
            result.push_back({is_end ? std::nullopt : std::optional<char32_t>(characters[index]), values[index]});
        }
        return result;
    }

private:
    session() = default;
    session &done(chargen_status status) {
        check(status);
        return *this;
    }
    static std::uint32_t code(std::optional<char32_t> character) {
        return character ? static_cast<std::uint32_t>(*character) : CHARGEN_END_OF_DOCUMENT;
    }
    numbers ask(chargen_status (*question)(chargen_session *, const float **, std::size_t *)) {
        const float *first;
        std::size_t count;
        check(question(handle(), &first, &count));
        return {first, count};
    }
};

/* Advances many sessions with one pass over the weights: chargen_batch. */
class batch : public detail::owner<chargen_batch, chargen_batch_free> {
public:
    batch(const model &model, std::size_t capacity, std::size_t threads = 1) {
        make([&](chargen_batch **batch) { return chargen_batch_create(model.handle(), capacity, threads, batch); });
    }
    /* The next character of each session; none at an end, which its end_reason() tells. */
    std::vector<std::optional<char32_t>> next(const std::vector<session *> &sessions) {
        std::vector<std::uint32_t> characters(sessions.size());
        check(chargen_batch_next(handle(), handles(sessions).data(), sessions.size(), characters.data()));
        std::vector<std::optional<char32_t>> result;
        for (std::uint32_t character : characters) {
            const bool is_end = character == CHARGEN_END_OF_DOCUMENT || character == CHARGEN_STOPPED;
            result.push_back(is_end ? std::nullopt : std::optional<char32_t>(character));
        }
        return result;
    }
    /* Feeds its own text to each session. */
    void feed(const std::vector<session *> &sessions, const std::vector<std::string_view> &texts) {
        read(sessions, texts, [this](auto... arguments) { return chargen_batch_feed(handle(), arguments...); });
    }
    /* Feeds its own text to each session, and gives their log-probabilities. */
    std::vector<double> score(const std::vector<session *> &sessions, const std::vector<std::string_view> &texts) {
        std::vector<double> result(sessions.size());
        read(sessions, texts,
             [&](auto... arguments) { return chargen_batch_score(handle(), arguments..., result.data()); });
        return result;
    }

private:
    static std::vector<chargen_session *> handles(const std::vector<session *> &sessions) {
        std::vector<chargen_session *> result;
        for (const session *session : sessions) {
            result.push_back(session->handle());
        }
        return result;
    }
    template <class Call>
    void read(const std::vector<session *> &sessions, const std::vector<std::string_view> &texts, Call call) {
        if (sessions.size() != texts.size()) {
            throw std::invalid_argument("each session needs one text");
        }
        std::vector<const char *> pointers;
        std::vector<std::size_t> lengths;
        for (std::string_view text : texts) {
            pointers.push_back(text.data());
            lengths.push_back(text.size());
        }
        check(call(handles(sessions).data(), sessions.size(), pointers.data(), lengths.data()));
    }
};

/* A likely continuation of a text. */
struct continuation {
    std::string text;
    double log_probability;
    /* Whether its document ends after it. */
    bool ended;
};

/* Finds likely continuations by beam search: chargen_beam. */
class beam : public detail::owner<chargen_beam, chargen_beam_free> {
public:
    beam(const model &model, std::size_t width, std::size_t length, std::size_t threads = 1) {
        make([&](chargen_beam **beam) { return chargen_beam_create(model.handle(), width, length, threads, beam); });
    }
    /* Continuations of `length` characters, the likeliest first. */
    std::vector<continuation> search(const session &session, std::size_t length) {
        std::size_t count;
        check(chargen_beam_search(handle(), session.handle(), length, &count));
        std::vector<continuation> result;
        for (std::size_t index = 0; index < count; index++) {
            const char *text;
            std::size_t bytes;
            double log_probability;
            std::int32_t ended;
            check(chargen_beam_text(handle(), index, &text, &bytes, &log_probability, &ended));
            result.push_back({std::string(text, bytes), log_probability, ended != 0});
        }
        return result;
    }
};

/* The UTF-8 of a character. */
inline std::string encode(char32_t character) {
    char text[5];
    return std::string(text, chargen_encode(character, text));
}

} // namespace chargen

#endif
