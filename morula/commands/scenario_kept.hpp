// What reading a scenario has found in files, or made of what stands there, kept for further readings of it with other values of its guesses.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace morula::commands {

/// Parts by name. From any thread; a part that is being made is waited for.
class KeptParts {
public:
    /// The part of that name; make() gives it when it is asked for first, and must give the same for every reading. The result lives as long as this object.
    template <class Make>
    const auto& get(const std::string& name, const Make& make) {
        using T = decltype(make());
        Part& part = part_of(name);
        const std::lock_guard lock(part.mutex);
        if (!part.value) part.value = std::make_shared<T>(make());
        return *static_cast<const T*>(part.value.get());
    }

private:
    struct Part {
        std::mutex mutex;
        std::shared_ptr<void> value;
    };
    Part& part_of(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return parts_[name];
    }

    std::mutex mutex_;
    std::map<std::string, Part> parts_;
};

}  // namespace morula::commands
