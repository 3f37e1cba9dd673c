// The specs' logger: silent.
export const defaultLogger = () => ({ info() {}, warn() {}, error() {}, debug() {} });
