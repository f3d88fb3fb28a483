#include "tools/cli/event_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <utility>

namespace godwit::cli {
namespace asio = boost::asio;

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::signal_set signals{context, SIGINT, SIGTERM};
  bool interrupted = false;
  // Whoever watches; replaced as a whole, so that a late handler of the last one finds itself outdated.
  struct Watch {
    asio::posix::stream_descriptor descriptor;
    std::function<void()> readable;
  };
  std::shared_ptr<Watch> watch;

  void await(const std::shared_ptr<Watch>& w) {
    w->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, w](const boost::system::error_code& error) {
                               if (watch != w || error == asio::error::operation_aborted) return;
                               if (error) {
                                 // epoll does not take regular files.
                                 poll(w);
                               } else {
                                 w->readable();
                                 if (watch == w) await(w);
                               }
                             });
  }
  void await_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) interrupted = true;
    });
  }
  void poll(const std::shared_ptr<Watch>& w) {
    asio::post(context, [this, w] {
      if (watch != w) return;
      w->readable();
      if (watch == w) poll(w);
    });
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);
  impl_->await_signal();
}

EventLoop::~EventLoop() {
  unwatch();
}

bool EventLoop::run_until(const std::function<bool()>& done, Deadline deadline) {
  while (!done()) {
    if (impl_->interrupted || std::chrono::steady_clock::now() >= deadline) return false;
    // A far deadline would overflow in the reactor; an hour at a time is as good.
    const auto step = std::min(deadline, std::chrono::steady_clock::now() + std::chrono::hours(1));
    impl_->context.restart();
    impl_->context.run_one_until(step);
  }
  return true;
}

bool EventLoop::interrupted() const {
  return impl_->interrupted;
}

void EventLoop::resume() {
  if (std::exchange(impl_->interrupted, false)) impl_->await_signal();
}

void EventLoop::watch(int fd, std::function<void()> readable) {
  unwatch();
  impl_->watch = std::make_shared<Impl::Watch>(
      Impl::Watch{asio::posix::stream_descriptor(impl_->context), std::move(readable)});
  boost::system::error_code error;
  impl_->watch->descriptor.assign(fd, error);
  if (error) {
    impl_->poll(impl_->watch);
  } else {
    impl_->await(impl_->watch);
  }
}

void EventLoop::unwatch() {
  if (!impl_->watch) return;
  // The descriptor is the caller's: given back open.
  if (impl_->watch->descriptor.is_open()) impl_->watch->descriptor.release();
  impl_->watch.reset();
}

asio::io_context& EventLoop::context() {
  return impl_->context;
}

struct Timer::Impl {
  explicit Impl(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  std::uint64_t generation = 0;
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop.context())) {}

Timer::~Timer() {
  cancel();
}

void Timer::start(std::chrono::milliseconds wait, std::function<void()> then) {
  cancel();
  impl_->timer.expires_after(wait);
  impl_->timer.async_wait([weak = std::weak_ptr<Impl>(impl_), generation = impl_->generation,
                           then = std::move(then)](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->generation == generation) then();
  });
}

void Timer::cancel() {
  ++impl_->generation;
  impl_->timer.cancel();
}

}  // namespace godwit::cli
