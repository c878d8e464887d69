import { toPlainError } from './plain-error.ts';
import type { Port } from './port.ts';
import type { AnswerMessage, CallMessage } from './protocol.ts';
import { CalibrationService } from './service.ts';

/** Answers the calls that come through `port`, one after the other. */
export function serveCalibration(port: Port): void {
  let service: CalibrationService | undefined;
  let before: Promise<void> = Promise.resolve();

  async function answer(message: CallMessage): Promise<unknown> {
    if (message.call === 'open') {
      service = await CalibrationService.open(message.ask);
      return undefined;
    }
    const opened = service!;
    switch (message.call) {
      case 'measure':
        opened.run(message.ask.feeds);
        return opened.measure(message.ask.sample);
      case 'count':
        return opened.count(message.ask.shapes);
      case 'runAndCount':
        opened.run(message.ask.feeds);
        return opened.count(message.ask.shapes);
      case 'collected':
        return opened.collected();
      case 'scan':
        opened.run(message.ask.feeds);
        return opened.scan(message.ask.scans);
    }
  }

  port.listen((received) => {
    const message = received as CallMessage;
    before = before.then(async () => {
      const reply: AnswerMessage = await answer(message).then(
        (value) => ({ id: message.id, answer: value }),
        (error: unknown) => ({ id: message.id, error: toPlainError(error) }),
      );
      port.post(reply);
    });
  });
}
