/** This project's own rules for oxlint. Plain JavaScript, because oxlint loads it with any Node that npm runs under. */

const UPPER_SNAKE_CASE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

/** Module-level constants whose value is written out in the source have names in UPPER_SNAKE_CASE. */
const upperSnakeCaseConstants = {
  create(context) {
    function check({ id, init }) {
      if (id.type !== 'Identifier' || UPPER_SNAKE_CASE.test(id.name) || !isWrittenOut(init)) return;
      context.report({ node: id, message: `Rename the constant \`${id.name}\` to UPPER_SNAKE_CASE.` });
    }
    return {
      'Program > VariableDeclaration[kind=const] > VariableDeclarator': check,
      'Program > ExportNamedDeclaration > VariableDeclaration[kind=const] > VariableDeclarator': check,
    };
  },
};

/** A literal, the name of another constant, or an operation or collection of nothing else. */
function isWrittenOut(node) {
  switch (node?.type) {
    case 'Literal':
      return true;
    case 'Identifier':
      return UPPER_SNAKE_CASE.test(node.name);
    case 'UnaryExpression':
    case 'SpreadElement':
      return isWrittenOut(node.argument);
    case 'BinaryExpression':
      return isWrittenOut(node.left) && isWrittenOut(node.right);
    case 'TemplateLiteral':
      return node.expressions.every(isWrittenOut);
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return isWrittenOut(node.expression);
    case 'Property':
      return !node.computed && isWrittenOut(node.value);
    case 'ArrayExpression':
      return areWrittenOut(node.elements);
    case 'ObjectExpression':
      return areWrittenOut(node.properties);
    case 'NewExpression':
      return ['Map', 'Set'].includes(node.callee.name) && areWrittenOut(node.arguments);
    default:
      return false;
  }
}

/** An empty collection is state that the module fills later, not a constant. */
function areWrittenOut(nodes) {
  return nodes.length > 0 && nodes.every(isWrittenOut);
}

export default {
  meta: { name: 'project' },
  rules: { 'upper-snake-case-constants': upperSnakeCaseConstants },
};
